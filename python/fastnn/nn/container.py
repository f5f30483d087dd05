"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeAlias, overload

from fastnn._checks import as_int
from fastnn.nn.activation import ReLU
from fastnn.nn.module import Module
from fastnn.nn.pool import MaxPool2d

if TYPE_CHECKING:
    from fastnn._core import Array


class Sequential(Module):
    """Layers, one after the other.

    A layer with a `forward_relu` (`Linear`, convolutions, batch norm) and the `ReLU` behind it run as one
    kernel, with the same bits, and so do their backwards where the layer has a `backward_relu` (batch norm).
    `BatchNorm2d`, `ReLU` and `MaxPool2d` run as one behind another layer with parameters: what lies between
    them is not kept, so the `ReLU` alone has no backward then.
    A layer may stand in one place only, as it keeps what the backward of one place needs; layers may share a
    `Parameter`.

    Parameters
    ----------
    *modules : Module
        Or one dict of names and modules.

    Raises
    ------
    TypeError
        For anything but modules.
    ValueError
        For a module that stands in two places, or a name that is taken, empty or has a dot in it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    >>> model
    Sequential(
      (0): Linear(in_features=64, out_features=32, bias=True)
      (1): ReLU()
      (2): Linear(in_features=32, out_features=10, bias=True)
    )
    >>> model(np.zeros((5, 64), np.float32)).shape
    (5, 10)
    >>> model.backward(np.ones((5, 10), np.float32)).shape
    (5, 64)
    >>> model[0].weight.grad.shape
    (32, 64)

    Names, slices, length:

    >>> named = nn.Sequential({"body": nn.Linear(4, 3), "head": nn.Linear(3, 2)})
    >>> list(named.state_dict())
    ['body.weight', 'body.bias', 'head.weight', 'head.bias']
    >>> len(named[:1]), named.head is named[1]
    (1, True)
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        self._modules: dict[str, Module] = {}
        self._plan_calls()
        named: Mapping[str, Any] | None = (
            modules[0] if len(modules) == 1 and isinstance(modules[0], Mapping) else None
        )
        if named is None:
            named = {str(i): module for i, module in enumerate(modules)}
        for name, module in named.items():
            self._put(name, module)

    def forward(self, x: Array) -> Array:
        """What the last layer gives, when each is called on what the one before gave."""
        for layer, relu, pool in self._forward_calls:
            if relu is None:
                x = layer.forward(x)
            elif pool is None:
                x = relu._take_output(layer.forward_relu(x))
            else:
                relu._take_output(None)
                x = layer.forward_relu_max_pool(x, pool)
        return x

    def backward(self, grad_output: Array) -> Array:
        """The gradient by the input."""
        return _backward(self._backward_calls, grad_output)

    def backward_parameters(self, grad_output: Array) -> None:
        """`backward` as far as the first layer that has parameters, and there without its grad_x."""
        grad_output = _backward(self._calls_above_first, grad_output)
        if self._first is not None:
            self._first.backward_parameters(grad_output)

    def append(self, module: Module) -> Self:
        """Put `module` at the end and return the container.

        Examples
        --------
        >>> from fastnn import nn
        >>> nn.Sequential(nn.ReLU()).append(nn.Flatten())
        Sequential(
          (0): ReLU()
          (1): Flatten(start_axis=1, end_axis=-1)
        )
        """
        taken = [int(name) for name in self._modules if name.isdecimal()]
        self._put(str(max([len(self), *(number + 1 for number in taken)])), module)
        return self

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) for each layer, in order."""
        yield from self._modules.items()

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(dict(list(self._modules.items())[index]))
        return self._modules[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        self._put(self._name_at(index), module)

    def __getattr__(self, name: str) -> Any:
        modules = self.__dict__.get("_modules", {})  # absent while a copy is being made
        if name in modules:
            return modules[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _name_at(self, index: int) -> str:
        position = as_int("Sequential", "index", index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"[Sequential] expected index in [{-len(self)}, {len(self)}), got {position}")
        return list(self._modules)[position]

    def _put(self, name: str, module: Any) -> None:
        """Set the module of this name, at the end where the name is new."""
        if not isinstance(module, Module):
            raise TypeError(f"[Sequential] expected modules, got {type(module).__name__} as {name!r}")
        if not isinstance(name, str) or not name or "." in name or hasattr(Sequential, name):
            raise ValueError(f"[Sequential] expected a name without dots, of no method, got {name!r}")
        inside = {id(part) for other, m in self._modules.items() if other != name for part in m.modules()}
        for part in module.modules():
            if id(part) in inside:
                raise ValueError(
                    f"[Sequential] expected each module in one place, got the same {type(part).__name__} "
                    f"again as {name!r}; make one for each place (a Parameter may be shared)"
                )
        self._modules[name] = module
        self._plan_calls()

    def _plan_calls(self) -> None:
        """Find out once what each call would otherwise find out again."""
        layers = list(self._modules.values())
        count = len(layers)
        first = next((i for i, layer in enumerate(layers) if not _parameter_free(layer)), count)
        self._first = layers[first] if first < count else None
        self._forward_calls = _calls(layers, _fuses_forward, self._first)
        self._backward_calls = _calls(layers, _fuses_backward, self._first)[::-1]
        self._calls_above_first = _calls(layers[first + 1 :], _fuses_backward, self._first)[::-1]


# A layer, and the rectifier and the pooling that run in its kernel, or None.
_Calls: TypeAlias = list[tuple[Any, ReLU | None, MaxPool2d | None]]


def _calls(layers: list[Module], fuses: Callable[[Any], bool], first: Module | None) -> _Calls:
    """The layers in order, without those that run in the kernel of one before.

    These are rectifiers, where `fuses` says so, and pooling behind them; but not behind the `first` layer
    with parameters, which may be asked for no grad_x.
    """
    calls: _Calls = []
    for layer in layers:
        before, relu, pool = calls[-1] if calls else (None, None, None)
        if type(layer) is ReLU and relu is None and fuses(before):
            calls[-1] = (before, layer, None)
        elif type(layer) is MaxPool2d and relu and not pool and before is not first and _fuses_pool(before):
            calls[-1] = (before, relu, layer)
        else:
            calls.append((layer, None, None))
    return calls


def _fuses_forward(layer: Any) -> bool:
    return _wrote(layer, {"forward_relu"}, not_before={"forward"})


def _fuses_backward(layer: Any) -> bool:
    return _wrote(layer, {"forward_relu", "backward_relu"}, not_before={"forward", "backward"})


def _fuses_pool(layer: Any) -> bool:
    pooled = {"forward_relu_max_pool", "backward_relu_max_pool"}
    return _fuses_backward(layer) and _wrote(layer, pooled, not_before={"forward", "backward"})


def _wrote(layer: Any, methods: set[str], *, not_before: set[str]) -> bool:
    """Whether a class of the layer has these methods of its own, and none below it one that they go with."""
    for cls in type(layer).__mro__:
        if methods <= vars(cls).keys():
            return True
        if not_before & vars(cls).keys():
            return False
    return False


def _backward(calls: _Calls, grad_output: Array) -> Array:
    for layer, relu, pool in calls:
        if relu is None:
            grad_output = layer.backward(grad_output)
        elif pool is None:
            relu._use_up_output()
            grad_output = layer.backward_relu(grad_output)
        else:
            grad_output = layer.backward_relu_max_pool(grad_output, pool)
    return grad_output


def _parameter_free(layer: Module) -> bool:
    """Whether backward_parameters may leave out this layer at the front: its own class must say so."""
    return vars(type(layer)).get("parameter_free", False) is True
