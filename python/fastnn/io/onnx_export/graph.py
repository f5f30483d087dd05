"""The ONNX graph while it grows, and the table of functions that add layers to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastnn.nn import Module

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Value:
    """An array of the graph: its name, and an example of it, which tells the shape."""

    name: str
    example: Array


class Graph:
    """Nodes and constants, named as they come."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.path = ""  # of the layer at hand, for names and messages

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output, and return the output's name."""
        name = f"{self.path or 'model'}/{op}_{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, array: Any, kind: str) -> str:
        """Add a constant: numbers become float32, whole numbers stay int64."""
        values = np.asarray(array)
        values = values.astype(np.int64 if values.dtype.kind == "i" else np.float32)
        name = f"{self.path or 'model'}/{kind}_{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def refuse(self, layer: Module, reason: str) -> NoReturn:
        """ValueError that names the layer."""
        where = f" at {self.path!r}" if self.path else ""
        raise ValueError(f"[export_onnx] cannot express {layer!r}{where} in ONNX: {reason}")

    def add(self, layer: Module, x: Value, name: str = "") -> Value:
        """What `layer` makes of x."""
        former, self.path = self.path, ".".join(filter(None, (self.path, name)))
        if type(layer) not in EXPORTERS:
            self.refuse(layer, "there is no function for its type")
        found = EXPORTERS[type(layer)](self, layer, x)
        self.path = former
        return found if isinstance(found, Value) else Value(found, layer(x.example))


# A function gives the output's name; one of a container gives the output's value.
Exporter: TypeAlias = Callable[[Graph, Any, Value], "str | Value"]
EXPORTERS: dict[type[Module], Exporter] = {}


def exports(*kinds: type[Module]) -> Callable[[Exporter], Exporter]:
    """Decorator: the function is the one for these types of layers, and not for their subclasses."""

    def register(function: Exporter) -> Exporter:
        EXPORTERS.update(dict.fromkeys(kinds, function))
        return function

    return register
