"""The rows of conv2d and conv2d_backward by Winograd's algorithm, which has a bound of its own."""

from dataclasses import replace
from typing import Any

from numpy.random import Generator

from tests.opinfo import conv2d
from tests.opinfo.base import TAILS, Array, Arrays, Gradient, Sample, fed
from tests.opinfo.tolerance import magnitude
from tests.reference.conv2d_winograd import forward_terms, grad_weight_terms, grad_x_terms

SHAPES: tuple[tuple[tuple[int, ...], tuple[int, int, int], dict[str, Any]], ...] = (
    *(((1, 16, 3, t), (16, 3, 3), {"padding": 1}) for t in TAILS),
    *(((1, t, 4, 4), (16, 3, 3), {}) for t in TAILS),
    *(((1, 16, 2, 3), (t, 3, 3), {"padding": 1}) for t in TAILS),
    ((2, 17, 5, 7), (16, 3, 3), {"padding": 1}),
    ((1, 40, 3, 6), (33, 3, 3), {"padding": 1}),
    ((2, 32, 6, 5), (32, 3, 3), {"padding": 2, "groups": 2}),
    ((3, 16, 2, 2), (32, 3, 3), {"padding": 1}),
    ((0, 16, 4, 4), (16, 3, 3), {"padding": 1}),
    ((16, 4, 5), (16, 3, 3), {"padding": 1}),
)
LARGE: tuple[tuple[tuple[int, ...], tuple[int, int, int], dict[str, Any]], ...] = (
    ((3, 16, 30, 28), (32, 3, 3), {"padding": 1}),
    ((5, 40, 7, 7), (40, 3, 3), {"padding": 1}),
    ((2, 64, 9, 6), (64, 3, 3), {"padding": 1, "groups": 2}),
    ((1, 300, 8, 15), (96, 3, 3), {}),
)


def chosen(sample: Sample) -> Sample:
    return replace(sample, options={**sample.options, "algorithm": "winograd"})


def samples(rng: Generator) -> list[Sample]:
    return [chosen(conv2d.make(rng, *shape, bias=True)) for shape in SHAPES]


def large(rng: Generator) -> list[Sample]:
    return [chosen(conv2d.make(rng, *shape, bias=True)) for shape in LARGE]


def geometry(sample: Sample) -> dict[str, Any]:
    return {name: value for name, value in sample.options.items() if name != "algorithm"}


def planes(x: Array) -> Array:
    return x if x.ndim == 4 else x[None]


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    x, weight, bias = magnitude(*(sample.arrays[name] for name in ("x", "weight", "bias")))
    terms = forward_terms(planes(x), weight, **geometry(sample)) + bias[:, None, None]
    return (4 * terms.reshape(wanted[0].shape),)


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    grad_output, x, weight = magnitude(*(sample.arrays[name] for name in ("grad_output", "x", "weight")))
    arrays, options = (planes(grad_output), planes(x), weight), geometry(sample)
    grad_x = grad_x_terms(*arrays, **options).reshape(x.shape)
    return 4 * grad_x, 4 * grad_weight_terms(*arrays, **options), 4 * arrays[0].sum(axis=(0, 2, 3))


forward = replace(
    conv2d.forward,
    label="conv2d winograd",
    samples=samples,
    large=large,
    bound=bound,
    errors=(),
    # An infinity anywhere else reaches all outputs of its tiles.
    specials=("bias",),
)
backward = replace(
    conv2d.backward,
    label="conv2d_backward winograd",
    samples=fed(samples, forward.reference, conv2d.feed),
    large=fed(large, forward.reference, conv2d.feed),
    bound=backward_bound,
    errors=(),
    specials=(),
)
FUNCTIONS = (forward, backward)
# Too many weights for differences one by one; the gradients are held to the reference, exactly on integers.
GRADIENTS: tuple[Gradient, ...] = ()
