"""Right calls of layers, losses and optimizers, found by trial from their signatures.

Every size that a constructor asks for is 4, and so is the second axis of every input: one of the SHAPES fits.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

import fastnn
from fastnn import nn, optim
from tests.fuzz.call import Call, Groups

SIZE = 4
SHAPES = ((2, 4), (2, 4, 8), (2, 4, 8, 8), (2, 4, 4, 4))
# Stands for a gradient of the shape of the result, whatever that is.
LIKE_RESULT = "like the result"


def layer_classes() -> list[type[nn.Module]]:
    return [c for c in public_classes(nn) if issubclass(c, nn.Module) and c is not nn.Module]


def public_classes(module: Any) -> list[type]:
    return [value for name in module.__all__ if inspect.isclass(value := getattr(module, name))]


def constructor(cls: type, dtype: str) -> tuple[list[Any], dict[str, Any]]:
    """Arguments that every class of the library can be made with."""
    args: list[Any] = []
    options: dict[str, Any] = {}
    for p in list(inspect.signature(cls).parameters.values()):
        if p.kind is p.VAR_POSITIONAL:
            args += [nn.Linear(SIZE, SIZE, dtype=dtype), nn.ReLU()]
        elif p.annotation == "Module":  # from planes of SIZE x SIZE to the six numbers of an affine map
            args.append(nn.Sequential(nn.Flatten(), nn.Linear(SIZE**3, 6, dtype=dtype)))
        elif p.default is p.empty:
            args.append(SIZE)
        else:
            options[p.name] = np.dtype(dtype) if p.name == "dtype" else p.default
    return args, options


def inputs(shape: tuple[int, ...], dtype: str, count: int) -> Iterator[list[Any]]:
    """x, and for a loss a target: values, signs, or labels of two shapes."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    if count == 1:
        yield [x]
        return
    yield [x, rng.random(shape).astype(dtype)]
    yield [x, np.sign(rng.standard_normal(shape)).astype(dtype)]
    yield [x, rng.integers(0, SIZE, shape[:1] + shape[2:])]


def run_layer(cls: type[nn.Module]) -> Any:
    def run(groups: Groups) -> object:
        args, options, given, grads = groups
        fastnn.manual_seed(0)
        layer = cls(*args, **options)
        y = layer(*given)
        like_result = grads and isinstance(grads[0], str) and grads[0] == LIKE_RESULT
        grad_x = layer.backward(*([np.ones_like(y)] if like_result else grads))
        layer.load_state_dict(layer.state_dict())
        return y, grad_x, layer.eval()(*given)

    return run


def layer_calls() -> dict[str, list[Call]]:
    """By class, the calls that succeed; a class of which none does has an empty list."""
    found: dict[str, list[Call]] = {}
    for cls in layer_classes():
        calls = found.setdefault(f"nn.{cls.__name__}", [])
        count = sum(
            p.default is p.empty for p in list(inspect.signature(cls.forward).parameters.values())[1:]
        )
        for dtype in ("float32", "float64"):
            args, options = constructor(cls, dtype)
            for shape in SHAPES:
                for given in inputs(shape, dtype, count):
                    for grads in ([LIKE_RESULT], []):
                        call = Call(f"nn.{cls.__name__}", run_layer(cls), (args, options, given, grads))
                        if succeeds(call):
                            calls.append(call)
    return found


def succeeds(call: Call) -> bool:
    try:
        call.run(call.copy().groups)
    except (TypeError, ValueError, IndexError):
        return False
    return True


def run_optimizer(cls: Any) -> Any:
    def run(groups: Groups) -> object:
        arrays, options, grads = groups
        parameters = [nn.Parameter(array) for array in arrays]
        for parameter, grad in zip(parameters, grads, strict=False):
            parameter.grad = grad
        first, second = (cls(parameters, **options) for _ in range(2))
        first.step()
        first.step()
        second.load_state_dict(first.state_dict())
        return [p.data for p in parameters]

    return run


def optimizer_calls() -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    for cls in public_classes(optim):
        if not issubclass(cls, optim.Optimizer) or cls is optim.Optimizer:
            continue
        _, options = constructor(cls, "float32")
        name = f"optim.{cls.__name__}"
        for dtype in ("float32", "float64"):
            arrays = [np.ones(shape, dtype) for shape in ((3, 4), (5,), (0, 2), ())]
            grads = [np.full_like(a, 0.5) for a in arrays]
            call = Call(name, run_optimizer(cls), (list(arrays), options, grads))
            found.setdefault(name, []).extend([call] if succeeds(call) else [])
    return found
