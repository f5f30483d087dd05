"""From a net to a checked ONNX model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

import fastnn
from fastnn._checks import as_int
from fastnn.io.atomic import write_atomically
from fastnn.io.onnx_export import activations, containers, weighted, windows
from fastnn.io.onnx_export.graph import Graph, Value
from fastnn.nn import Module

OPSET, IR = 20, 9
REGISTERED = (activations, containers, weighted, windows)  # importing them fills the table


def export_onnx(
    model: Module,
    path: str | os.PathLike[str] | None,
    input_shape: Sequence[int],
    *,
    input_name: str = "input",
    output_name: str = "output",
) -> Any:
    """Write a net of fastnn's layers as an ONNX file (opset 20), as it is in evaluation mode.

    Weights, inputs and outputs are float32. The size of the batch stays open.

    Parameters
    ----------
    model : Module
        A layer, `Sequential` or `Residual`, or one in another.
    path : path or None
        Where to write; None writes nothing.
    input_shape : sequence of int
        Of one sample: (features,), (channels, height, width), ...
    input_name, output_name : str
        Names in the file.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ImportError
        Without the package onnx.
    TypeError
        For an input_shape that is not of ints.
    ValueError
        For a layer that ONNX has no way to express, naming it, or an input_shape that does not fit.

    Examples
    --------
    >>> from fastnn import io, nn
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    >>> [node.op_type for node in io.export_onnx(model, None, (4,)).graph.node]
    ['Gemm', 'Relu', 'Identity']
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise ImportError("[export_onnx] needs the package onnx: pip install onnx") from error
    from fastnn.train.batches import model_dtype
    from fastnn.train.modes import in_mode

    shape = [as_int("export_onnx", "input_shape", side, minimum=1) for side in input_shape]
    graph = Graph(onnx)
    example = np.zeros((2, *shape), model_dtype(model))
    with in_mode(False, model):
        y = graph.add(model, Value(input_name, example))
    graph.nodes.append(onnx.helper.make_node("Identity", [y.name], [output_name]))
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "fastnn",
            [_described(onnx, input_name, shape)],
            [_described(onnx, output_name, y.example.shape[1:])],
            graph.constants,
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="fastnn",
        producer_version=fastnn.__version__,
    )
    onnx.checker.check_model(proto, full_check=True)
    if path is not None:
        write_atomically(path, proto.SerializeToString())
    return proto


def _described(onnx: Any, name: str, shape: Sequence[int]) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *shape])
