"""What the library promises of its own layers, asked of any layer.

Each run is made on a copy of the layer with the same random masks, so that runs differ in one thing only.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

import fastnn
from fastnn.nn.module import Module
from fastnn.testing.gradcheck import gradcheck
from fastnn.testing.layouts import LAYOUTS

if TYPE_CHECKING:
    from fastnn._core import Array

THREADS = (*range(1, 9), 16)
# So long that kernels share the work among threads.
LONG = 2**16


def check_layer(
    layer: Module, input_shape: tuple[int, ...], *, view_rtol: float = 0.0, seed: int = 0
) -> None:
    """Ask of `layer` what fastnn promises of its own layers.

    Forward and backward must

    - leave their arguments and the parameters as they were,
    - write every element of what they return,
    - give for views (strided, reversed, unaligned, of the other byte order, read-only) what they give for
      contiguous copies,
    - take an empty batch: results without rows, gradients of 0 by the parameters, or a ValueError,
    - give the same bits for any number of threads,
    - and the gradients by input and parameters must agree with central differences, in float64.

    Parameters
    ----------
    layer : Module
        In any state; it is copied and not changed.
    input_shape : tuple of int
        The batch first. A small one does: the gradients cost two forwards for each element of input and
        parameters.
    view_rtol : float
        How far results for a view may be off, relative to the largest value. 0 asks for the same bits, as
        fastnn's kernels give them; a layer that computes with `numpy.matmul` or sums needs about 1e-6,
        because NumPy's order of summation follows the layout.
    seed : int
        Of the random input.

    Raises
    ------
    AssertionError
        Naming the promise, the array and the position.
    TypeError
        For anything but a Module.

    Examples
    --------
    >>> from fastnn import nn
    >>> from fastnn.testing import check_layer
    >>> check_layer(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), (5, 3))

    A layer that changes its input:

    >>> class Double(nn.Module):
    ...     def forward(self, x):
    ...         x *= 2
    ...         return x
    ...     def backward(self, grad_output):
    ...         return 2 * grad_output
    >>> check_layer(Double(), (2, 3))
    Traceback (most recent call last):
        ...
    AssertionError: [check_layer] Double changes its input
    """
    if not isinstance(layer, Module):
        raise TypeError(f"[check_layer] expected layer to be a Module, got {type(layer).__name__}")
    with _same_randomness():
        subject = _Subject(layer, input_shape, seed)
        subject.check_inputs_unchanged()
        subject.check_outputs_written()
        subject.check_views(view_rtol)
        subject.check_empty_batch()
        subject.check_threads()
        subject.check_gradients()


@contextmanager
def _same_randomness() -> Iterator[None]:
    state = fastnn.random.get_state()
    try:
        yield
    finally:
        fastnn.random.set_state(state)


class _Subject:
    """A layer with an input, and one run of both that all others are held against."""

    def __init__(self, layer: Module, input_shape: tuple[int, ...], seed: int) -> None:
        self.layer, self.name, self.seed = layer, type(layer).__name__, seed
        rng = np.random.default_rng(seed)
        parameter = next(iter(layer.parameters()), None)
        self.x = rng.standard_normal(input_shape).astype(np.float64 if parameter is None else parameter.dtype)
        y = np.asarray(self.fresh()(self.x.copy()))
        self.grad_output = rng.standard_normal(y.shape).astype(y.dtype)
        self.wanted = self.results(self.x.copy(), self.grad_output.copy())

    def fresh(self) -> Module:
        """A copy in training mode, with masks that start from the beginning."""
        layer = copy.deepcopy(self.layer).train()
        layer.zero_grad()
        fastnn.manual_seed(self.seed)
        return layer

    def results(self, x: Array, grad_output: Array, layer: Module | None = None) -> dict[str, Array]:
        """By name: output, gradients by the input and by the parameters."""
        layer = self.fresh() if layer is None else layer
        found = {"output": layer(x), "gradient by the input": layer.backward(grad_output)}
        for name, parameter in layer.named_parameters():
            if parameter.grad is None:
                self.fail(f"has no gradient by {name} after its backward")
            found[f"gradient by {name}"] = parameter.grad
        return found

    def fail(self, what: str) -> Any:
        raise AssertionError(f"[check_layer] {self.name} {what}")

    def compare(
        self, found: dict[str, Array], wanted: dict[str, Array], when: str, rtol: float = 0.0
    ) -> None:
        for name, want in wanted.items():
            got = np.asarray(found[name])
            if got.shape != want.shape:
                self.fail(f"gives an {name} of shape {got.shape} instead of {want.shape} {when}")
            allowed = rtol * float(np.abs(want).max(initial=0.0))
            wrong = ~((np.abs(got - want) <= allowed) | (np.isnan(got) & np.isnan(want)))
            if wrong.any():
                at = tuple(int(i) for i in np.argwhere(wrong)[0])
                self.fail(f"gives another {name} {when}: {got[at]} instead of {want[at]} at {at}")

    def check_inputs_unchanged(self) -> None:
        layer, x, grad_output = self.fresh(), self.x.copy(), self.grad_output.copy()
        before = [p.data.copy() for p in layer.parameters()]
        y = layer(x)
        if x.tobytes() != self.x.tobytes():
            self.fail("changes its input")
        kept = np.array(y)
        layer.backward(grad_output)
        if grad_output.tobytes() != self.grad_output.tobytes():
            self.fail("changes the grad_output that its backward is given")
        if x.tobytes() != self.x.tobytes():
            self.fail("changes its input in the backward")
        if kept.tobytes() != np.asarray(y).tobytes():
            self.fail("changes its output in the backward")
        for old, (name, parameter) in zip(before, layer.named_parameters(), strict=True):
            if old.tobytes() != parameter.data.tobytes():
                self.fail(f"changes its parameter {name}")

    def check_outputs_written(self) -> None:
        """Memory that is handed out next holds NaN: what is not written shows it."""
        for _ in range(3):
            former = self.results(self.x.copy(), self.grad_output.copy())
            layer, x, grad_output = self.fresh(), self.x.copy(), self.grad_output.copy()
            spoiled = [np.full_like(a, np.nan) for a in former.values() for _ in range(8)]
            for array in former.values():
                if array.flags.writeable:
                    array.fill(np.nan)
            del former, array, spoiled
            self.compare(
                self.results(x, grad_output, layer),
                self.wanted,
                "in memory that held NaN, as if not all written",
            )

    def check_views(self, rtol: float) -> None:
        for name, layout in LAYOUTS.items():
            when = f"for {name} arrays than for contiguous copies"
            x, grad_output = layout(self.x), layout(self.grad_output)
            for given in ((x, self.grad_output), (self.x, grad_output), (x, grad_output)):
                self.compare(self.results(*given), self.wanted, when, rtol)

    def check_empty_batch(self) -> None:
        x, grad_output = self.x[:0], self.grad_output[:0]
        try:
            found = self.results(x, grad_output)
        except ValueError:
            return
        except Exception as error:
            raise AssertionError(f"[check_layer] {self.name} fails on an empty batch: {error!r}") from error
        wanted = {
            name: np.zeros_like(a) if name not in ("output", "gradient by the input") else a[:0]
            for name, a in self.wanted.items()
        }
        self.compare(found, wanted, "for an empty batch")

    def check_threads(self) -> None:
        repeats = max(1, math.ceil(LONG / max(self.x.size, 1)))
        x, grad_output = (np.concatenate([a] * repeats) for a in (self.x, self.grad_output))
        wanted: dict[str, Array] = {}
        for threads in THREADS:
            with fastnn.threads(threads):
                found = self.results(x, grad_output)
            wanted = wanted or found
            self.compare(found, wanted, f"on {threads} threads than on 1")

    def check_gradients(self) -> None:
        layer = _in_float64(self.fresh())
        names = [f"the parameter {name}" for name, _ in layer.named_parameters()]

        def prepared(values: tuple[Array, ...]) -> Module:
            copied = copy.deepcopy(layer)
            for parameter, value in zip(copied.parameters(), values, strict=True):
                parameter.data = value.copy()
            fastnn.manual_seed(self.seed)
            return copied

        def forward(x: Array, *values: Array) -> Any:
            return prepared(values)(x)

        def backward(grad_output: Array, x: Array, *values: Array) -> list[Any]:
            ready = prepared(values)
            ready(x)
            return [ready.backward(grad_output), *(p.grad for p in ready.parameters())]

        inputs = [self.x.astype(np.float64), *(p.data for p in layer.parameters())]
        try:
            gradcheck(forward, backward, dict(zip(["the input", *names], inputs, strict=True)))
        except AssertionError as error:
            raise AssertionError(f"[check_layer] {self.name}: {error}") from error


def _in_float64(layer: Module) -> Module:
    for parameter in layer.parameters():
        parameter.data = parameter.data.astype(np.float64)
    for module in layer.modules():
        for name in module._buffer_names:
            array = getattr(module, name)
            if array is not None and array.dtype.kind == "f":
                setattr(module, name, array.astype(np.float64))
    return layer
