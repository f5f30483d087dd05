"""The rows of conv2d and conv2d_backward."""

from typing import Any

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import (
    TAILS,
    Array,
    Arrays,
    Backend,
    Function,
    Gradient,
    Sample,
    f32,
    fed,
    wrong,
)
from tests.opinfo.tolerance import magnitude
from tests.reference import conv2d as reference

ASYMMETRIC = ((0, 2), (1, 0))
# x's shape, filters (O, kH, kW), options.
SHAPES: tuple[tuple[tuple[int, ...], tuple[int, int, int], dict[str, Any]], ...] = (
    *(((1, 2, 3, t), (3, 2, 3), {"padding": 1}) for t in TAILS),
    *(((2, t, 3, 2), (2, 2, 1), {}) for t in TAILS),
    *(((1, 1, 3, 3), (t, 2, 2), {}) for t in TAILS),
    ((1, 2, 5, 4), (3, 3, 3), {"stride": 2, "padding": 1}),
    ((2, 1, 6, 5), (2, 3, 2), {"stride": (2, 3), "padding": (1, 0)}),
    ((1, 2, 5, 6), (2, 2, 2), {"stride": 3}),
    ((2, 1, 7, 7), (2, 1, 1), {"stride": 2}),
    ((2, 2, 4, 5), (3, 1, 1), {}),
    ((1, 3, 4, 3), (2, 4, 3), {"padding": "valid"}),
    ((1, 2, 6, 7), (2, 3, 2), {"dilation": (2, 3)}),
    ((1, 2, 5, 5), (2, 2, 3), {"dilation": 2, "stride": 2, "padding": (1, 3)}),
    ((1, 2, 4, 5), (2, 3, 2), {"padding": "same"}),
    ((1, 1, 5, 6), (2, 3, 2), {"padding": "same", "dilation": (1, 3)}),
    ((2, 2, 3, 4), (2, 2, 3), {"padding": ASYMMETRIC}),
    ((1, 4, 4, 4), (4, 3, 3), {"groups": 4, "padding": 1}),
    ((2, 3, 5, 4), (6, 2, 2), {"groups": 3, "stride": 2}),
    ((1, 17, 3, 3), (17, 3, 3), {"groups": 17, "padding": 1, "stride": 2}),
    ((1, 4, 4, 5), (6, 3, 2), {"groups": 2, "padding": ASYMMETRIC, "stride": (1, 2)}),
    ((1, 6, 3, 3), (3, 2, 2), {"groups": 3, "dilation": 2, "padding": 1}),
    ((2, 1, 2, 2), (1, 2, 2), {"padding": 3}),
    ((1, 1, 3, 3), (1, 2, 2), {"dilation": 9, "padding": 5}),
    ((1, 2, 4, 4), (2, 3, 3), {"padding": 2, "padding_mode": "reflect"}),
    ((1, 2, 3, 4), (2, 2, 3), {"padding": ((3, 0), (1, 2)), "padding_mode": "replicate"}),
    ((1, 1, 4, 3), (2, 3, 3), {"padding": (2, 1), "padding_mode": "circular", "stride": 2}),
    ((2, 2, 3, 3), (2, 3, 2), {"padding": 1, "padding_mode": "mean"}),
    ((1, 2, 3, 3), (2, 2, 2), {"padding": "same", "padding_mode": "mean", "groups": 2}),
    ((2, 4, 5), (3, 2, 3), {"padding": 1}),
    ((3, 3, 4), (3, 2, 2), {"groups": 3, "padding_mode": "circular", "padding": 1}),
    ((20, 8, 7, 7), (5, 3, 3), {"padding": 1}),
    ((5, 40, 3, 3), (9, 3, 3), {"padding": 1}),
    ((3, 5, 4, 3), (16, 3, 3), {"padding": 1}),
    ((2, 34, 3, 5), (31, 3, 3), {"padding": 1, "stride": 2}),
    ((2, 16, 1, 1), (17, 3, 3), {"padding": 1, "stride": 2}),
    ((0, 2, 4, 4), (3, 3, 3), {"padding": 1}),
    ((0, 3, 4, 4), (3, 2, 2), {"groups": 3}),
    ((0, 3, 4, 4), (3, 2, 2), {"padding": 1, "padding_mode": "reflect"}),
    ((2, 2, 0, 3), (2, 2, 2), {"padding": 1}),
)
LARGE: tuple[tuple[tuple[int, ...], tuple[int, int, int], dict[str, Any]], ...] = (
    ((3, 16, 30, 28), (32, 3, 3), {"padding": 1}),
    ((2, 40, 14, 14), (20, 3, 3), {"padding": 1, "stride": 2}),
    ((4, 32, 20, 20), (32, 3, 3), {"padding": 1, "groups": 32}),
    ((1, 3, 40, 40), (16, 7, 7), {"padding": 3, "stride": 2}),
    ((2, 1, 45, 37), (32, 3, 3), {"padding": 1}),
    ((3, 3, 41, 40), (20, 3, 3), {"padding": 1, "stride": 2}),
    ((9, 64, 5, 5), (48, 1, 1), {}),
    ((3, 40, 13, 12), (33, 1, 1), {}),
    ((2, 24, 27, 25), (40, 1, 1), {"stride": 2}),
    ((2, 20, 12, 25), (18, 1, 1), {"stride": (1, 2), "padding": 1}),
    ((3, 40, 9, 7), (80, 3, 3), {"padding": 1}),
    ((2, 16, 25, 25), (32, 5, 5), {"groups": 2, "dilation": 2}),
    ((5, 40, 7, 7), (40, 3, 3), {"padding": 1}),
    ((3, 64, 9, 6), (32, 3, 3), {"padding": 1, "groups": 2}),
    ((2, 16, 12, 11), (16, 3, 2), {"dilation": (2, 3), "padding": (2, 1)}),
)


def make(
    rng: Generator, x: tuple[int, ...], filters: tuple[int, int, int], options: dict[str, Any], bias: bool
) -> Sample:
    weight = (filters[0], x[-3] // options.get("groups", 1), *filters[1:])
    arrays = {"x": rng.standard_normal(x), "weight": rng.standard_normal(weight)}
    if bias:
        arrays["bias"] = rng.standard_normal(filters[0])
    return Sample(arrays, options)


def samples(rng: Generator) -> list[Sample]:
    made = [make(rng, *shape, bias=i % 3 > 0) for i, shape in enumerate(SHAPES)]
    return [
        Sample(s.arrays, {**s.options, "activation": "relu"}) if i % 4 == 1 else s for i, s in enumerate(made)
    ]


def large(rng: Generator) -> list[Sample]:
    return [make(rng, *shape, bias=i % 2 == 0) for i, shape in enumerate(LARGE)]


def geometry(sample: Sample) -> dict[str, Any]:
    return {name: value for name, value in sample.options.items() if name != "activation"}


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    y = backend.functional.conv2d(
        a["x"], a["weight"], a.get("bias"), out=None if out is None else out[0], **sample.options
    )
    return (y,)


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    sizes = {name: magnitude(a)[0] for name, a in sample.arrays.items()}
    return (4 * reference.forward(**sizes, **geometry(sample)),)


def run_backward(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    return backend.functional.conv2d_backward(
        a["grad_output"], a["x"], a["weight"], out=out, **sample.options
    )


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    a = sample.arrays
    terms = reference.backward(*magnitude(a["grad_output"], a["x"], a["weight"]), **sample.options)
    return tuple(4 * t for t in terms)


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    """The gradient past the fused activation, too."""
    a = sample.arrays
    if "activation" in sample.options:
        grad_output = np.where(y > 0, grad_output, 0.0)
    return Sample({"grad_output": grad_output, "x": a["x"], "weight": a["weight"]}, geometry(sample))


X, WEIGHT = f32(2, 4, 5, 5), f32(6, 4, 3, 3)
Y = f32(2, 6, 3, 3)
ERRORS = (
    wrong("conv2d", "x 2-d", (f32(5, 5), WEIGHT), ValueError, r"x .*\(N, C, H, W\).*\(5, 5\)"),
    wrong("conv2d", "x 5-d", (f32(1, 2, 4, 5, 5), WEIGHT), ValueError, r"x .*\(1, 2, 4, 5, 5\)"),
    wrong(
        "conv2d", "weight of other channels", (X, f32(6, 3, 3, 3)), ValueError, r"weight.*\(O, 4, kH, kW\).*3"
    ),
    wrong("conv2d", "weight 3-d", (X, f32(6, 4, 3)), ValueError, r"weight.*\(O, 4, kH, kW\).*\(6, 4, 3\)"),
    wrong("conv2d", "no filters", (X, f32(0, 4, 3, 3)), ValueError, r"weight.*\(0, 4, 3, 3\)"),
    wrong("conv2d", "no taps", (X, f32(6, 4, 0, 3)), ValueError, r"weight.*\(6, 4, 0, 3\)"),
    wrong(
        "conv2d", "no channels", (f32(2, 0, 5, 5), f32(6, 0, 3, 3)), ValueError, r"channels.*\(2, 0, 5, 5\)"
    ),
    wrong("conv2d", "bias of another O", (X, WEIGHT, f32(4)), ValueError, r"bias.*\(6,\).*\(4,\)"),
    wrong(
        "conv2d", "window too large", (X, f32(6, 4, 6, 3)), ValueError, r"x of at least 6 x 3.*\(2, 4, 5, 5\)"
    ),
    wrong("conv2d", "no plane", (f32(2, 4, 0, 5), WEIGHT), ValueError, r"at least 3 x 3.*\(2, 4, 0, 5\)"),
    wrong("conv2d", "groups of C", (X, WEIGHT), ValueError, r"groups.*\(2, 4, 5, 5\).*3", groups=3),
    wrong("conv2d", "groups of O", (X, f32(5, 2, 3, 3)), ValueError, r"weight.*groups=2.*\(5, 2", groups=2),
    wrong("conv2d", "groups 0", (X, WEIGHT), ValueError, r"groups >= 1.*0", groups=0),
    wrong("conv2d", "stride 0", (X, WEIGHT), ValueError, r"stride >= 1.*0", stride=0),
    wrong("conv2d", "stride of three", (X, WEIGHT), ValueError, r"stride.*pair.*1, 1, 1", stride=(1, 1, 1)),
    wrong("conv2d", "stride a float", (X, WEIGHT), TypeError, r"stride.*int.*1\.5", stride=1.5),
    wrong("conv2d", "stride too large", (X, WEIGHT), ValueError, r"stride <= .*", stride=2**70),
    wrong("conv2d", "dilation 0", (X, WEIGHT), ValueError, r"dilation >= 1.*0", dilation=(1, 0)),
    wrong("conv2d", "padding negative", (X, WEIGHT), ValueError, r"padding >= 0.*-1", padding=-1),
    wrong("conv2d", "padding a word", (X, WEIGHT), ValueError, r"padding.*same.*full", padding="full"),
    wrong(
        "conv2d", "same with a stride", (X, WEIGHT), ValueError, r"stride 1.*same", padding="same", stride=2
    ),
    wrong("conv2d", "unknown mode", (X, WEIGHT), ValueError, r"padding_mode.*mirror", padding_mode="mirror"),
    wrong(
        "conv2d",
        "reflect beyond the plane",
        (X, WEIGHT),
        ValueError,
        r"padding.*5.*reflect.*5",
        padding=5,
        padding_mode="reflect",
    ),
    wrong("conv2d", "activation", (X, WEIGHT), ValueError, r"activation.*relu.*swish", activation="swish"),
    wrong("conv2d", "algorithm", (X, WEIGHT), ValueError, r"algorithm.*winograd.*fft", algorithm="fft"),
    wrong("conv2d", "x None", (None, WEIGHT), TypeError, r"x.*ndarray.*None"),
    wrong(
        "conv2d", "out of another shape", (X, WEIGHT), ValueError, r"out.*\(2, 6, 3, 3\)", out=f32(2, 6, 5, 5)
    ),
)
BACKWARD_ERRORS = (
    wrong(
        "conv2d_backward",
        "grad_output of x's plane",
        (f32(2, 6, 5, 5), X, WEIGHT),
        ValueError,
        r"grad_output.*\(2, 6, 3, 3\).*\(2, 6, 5, 5\)",
    ),
    wrong(
        "conv2d_backward",
        "grad_output unbatched",
        (f32(6, 3, 3), X, WEIGHT),
        ValueError,
        r"grad_output.*\(2, 6, 3, 3\).*\(6, 3, 3\)",
    ),
    wrong("conv2d_backward", "algorithm", (Y, X, WEIGHT), ValueError, r"algorithm.*fft", algorithm="fft"),
    wrong("conv2d_backward", "weight None", (Y, X, None), TypeError, r"weight.*ndarray.*None"),
    wrong(
        "conv2d_backward", "needs of two", (Y, X, WEIGHT), ValueError, r"needs.*three.*2", needs=(True, True)
    ),
    wrong(
        "conv2d_backward",
        "accumulate without out",
        (Y, X, WEIGHT),
        ValueError,
        r"out .*accumulate=True.*None",
        accumulate=True,
    ),
    wrong(
        "conv2d_backward",
        "out for grad_weight of another shape",
        (Y, X, WEIGHT),
        ValueError,
        r"out.*\(6, 4, 3, 3\).*\(4, 6, 3, 3\)",
        out=(None, f32(4, 6, 3, 3), None),
    ),
)

forward = Function(
    name="conv2d",
    stem="conv2d",
    run=run,
    reference=lambda s: (reference.forward(**s.arrays, **s.options),),
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    batched=("x",),
    separable=lambda s: s.arrays["x"].ndim == 4,
)
backward = Function(
    name="conv2d_backward",
    stem="conv2d",
    run=run_backward,
    reference=lambda s: reference.backward(**s.arrays, **s.options),
    samples=fed(samples, forward.reference, feed),
    large=fed(large, forward.reference, feed),
    bound=backward_bound,
    errors=BACKWARD_ERRORS,
    outs=(0, 1, 2),
    # Not into weight: grad_x pads grad_output with zeros, and 0 * inf is NaN.
    specials=("grad_output", "x"),
    batched=("grad_output", "x"),
    separable=forward.separable,
)
FUNCTIONS = (forward, backward)
GRADIENTS = (Gradient(forward, backward, ("x", "weight", "bias"), feed),)
