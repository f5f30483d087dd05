"""The rows of conv1d and conv1d_backward: the reference is that of conv2d on planes of one row."""

from typing import Any

from numpy.random import Generator

from tests.opinfo.base import (
    TAILS,
    Array,
    Arrays,
    Backend,
    ErrorCase,
    Function,
    Gradient,
    Sample,
    f32,
    fed,
    wrong,
)
from tests.opinfo.tolerance import magnitude
from tests.reference import conv2d as reference

# Shape of x, filters, taps, and the options.
Call = tuple[tuple[int, ...], int, int, dict[str, Any]]
CASES: tuple[Call, ...] = (
    *(((2, 2, t), 3, min(3, t), {}) for t in TAILS),
    *(((1, t, 5), 2, 3, {"padding": 1}) for t in TAILS),
    *(((1, 2, 4), t, 2, {"stride": 2}) for t in TAILS),
    *(((2, 1, t + 2), 1, t, {"padding": ((0, 1),)}) for t in TAILS),
    ((2, 4, 9), 6, 3, {"groups": 2, "dilation": 2, "padding": (3,)}),
    ((2, 4, 9), 4, 3, {"groups": 4, "padding": "same", "dilation": (2,)}),
    ((3, 7), 2, 4, {"padding": "valid", "stride": (3,)}),
    ((1, 2, 6), 2, 3, {"padding": 2, "padding_mode": "reflect"}),
    ((1, 2, 6), 2, 3, {"padding": 7, "padding_mode": "replicate"}),
    ((1, 2, 6), 2, 3, {"padding": 6, "padding_mode": "circular", "stride": 2}),
    ((2, 2, 6), 2, 3, {"padding": ((2, 0),), "padding_mode": "mean", "activation": "relu"}),
    ((0, 2, 6), 3, 3, {}),
)
LARGE: tuple[Call, ...] = (
    ((8, 16, 300), 24, 5, {"padding": 2}),
    ((300, 4, 50), 8, 3, {"groups": 4, "stride": 2}),
    ((2, 8, 5000), 8, 9, {"dilation": 3, "padding": "same", "padding_mode": "circular"}),
)


def make(rng: Generator, case: Call) -> Sample:
    shape, filters, k, options = case
    arrays = {
        "x": rng.standard_normal(shape),
        "weight": rng.standard_normal((filters, shape[-2] // options.get("groups", 1), k)),
    }
    if rng.integers(2):
        arrays["bias"] = rng.standard_normal(filters)
    return Sample(arrays, options)


def on_planes(options: dict[str, Any]) -> dict[str, Any]:
    """The options of conv2d that do the same to planes of one row."""
    changed = dict(options)
    for name in ("stride", "dilation"):
        value = options.get(name, 1)
        changed[name] = (1, value if isinstance(value, int) else value[0])
    padding = options.get("padding", 0)
    if not isinstance(padding, str):
        ends = padding if isinstance(padding, int) else padding[0]
        changed["padding"] = ((0, 0), (ends, ends) if isinstance(ends, int) else ends)
    return changed


def forward_reference(sample: Sample) -> Arrays:
    a = sample.arrays
    planes = a["x"][..., None, :], a["weight"][..., None, :], a.get("bias")
    return (reference.forward(*planes, **on_planes(sample.options))[..., 0, :],)


def backward_reference(sample: Sample) -> Arrays:
    planes = [a[..., None, :] for a in sample.arrays.values()]
    grad_x, grad_weight, grad_bias = reference.backward(*planes, **on_planes(sample.options))
    return grad_x[..., 0, :], grad_weight[..., 0, :], grad_bias


def samples(rng: Generator) -> list[Sample]:
    return [make(rng, case) for case in CASES]


def large(rng: Generator) -> list[Sample]:
    return [make(rng, case) for case in LARGE]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    y = backend.functional.conv1d(
        a["x"], a["weight"], a.get("bias"), out=None if out is None else out[0], **sample.options
    )
    return (y,)


def run_backward(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    return backend.functional.conv1d_backward(*sample.arrays.values(), **sample.options, out=out)


def sizes(sample: Sample) -> Sample:
    return sample.map(lambda _, a: magnitude(a)[0])


def bound(sample: Sample, wanted: Arrays) -> Arrays:
    return tuple(4 * y for y in forward_reference(sizes(sample)))


def backward_bound(sample: Sample, wanted: Arrays) -> Arrays:
    return tuple(4 * grad for grad in backward_reference(sizes(sample)))


def feed(sample: Sample, grad_output: Array, y: Any) -> Sample:
    """The gradient past the fused activation, too."""
    options = {name: value for name, value in sample.options.items() if name != "activation"}
    if "activation" in sample.options:
        grad_output = grad_output * (y > 0)
    a = sample.arrays
    return Sample({"grad_output": grad_output, "x": a["x"], "weight": a["weight"]}, options)


def from_planes(
    name: str, label: str, args: tuple, exception: type[Exception], match: str, **options: Any
) -> ErrorCase:
    """A call refused by the kernels, which are those of conv2d."""
    return ErrorCase(
        label,
        lambda backend: getattr(backend.functional, name)(*args, **options),
        exception,
        rf"^\[conv2d(_backward)?\] .*{match}",
    )


X, W = f32(2, 4, 9), f32(6, 4, 3)
ERRORS = (
    wrong("conv1d", "x 1-d", (f32(9), W), ValueError, r"x of 3 axes.*\(9,\)"),
    wrong("conv1d", "x 4-d", (f32(2, 4, 1, 9), W), ValueError, r"x of 3 axes.*\(2, 4, 1, 9\)"),
    wrong("conv1d", "weight 2-d", (X, f32(6, 4)), ValueError, r"weight of 3 axes.*\(6, 4\)"),
    wrong("conv1d", "stride a pair", (X, W, None, (1, 2)), ValueError, r"stride.*int.*\(1, 2\)"),
    wrong("conv1d", "stride 0", (X, W, None, 0), ValueError, r"stride >= 1, got 0"),
    wrong("conv1d", "padding below 0", (X, W, None, 1, -1), ValueError, r"padding >= 0, got -1"),
    wrong("conv1d", "padding of two", (X, W, None, 1, (1, 2)), ValueError, r"padding.*\(cells,\).*\(1, 2\)"),
    wrong(
        "conv1d", "padding of three ends", (X, W, None, 1, ((1, 2, 3),)), ValueError, r"padding.*\(1, 2, 3\)"
    ),
    wrong("conv1d", "padding unknown", (X, W, None, 1, "full"), ValueError, r"padding.*same.*full"),
    wrong("conv1d", "same with a stride", (X, W, None, 2, "same"), ValueError, r"stride 1.*same"),
    wrong("conv1d", "dilation a float", (X, W, None, 1, 0, 1.5), TypeError, r"dilation.*int.*1\.5"),
    wrong("conv1d", "activation", (X, W), ValueError, r"activation.*relu.*tanh", activation="tanh"),
    wrong("conv1d", "x None", (None, W), TypeError, r"x.*ndarray.*None"),
    wrong("conv1d", "weight None", (X, None), TypeError, r"weight.*ndarray.*None"),
    wrong("conv1d", "out a list", (X, W), TypeError, r"out.*ndarray.*list", out=[1.0]),
    from_planes(
        "conv1d", "weight of other channels", (X, f32(6, 3, 3)), ValueError, r"weight.*\(6, 3, 1, 3\)"
    ),
    from_planes("conv1d", "too many taps", (X, f32(6, 4, 10)), ValueError, r"1 x 10.*\(2, 4, 1, 9\)"),
    from_planes("conv1d", "bias of another size", (X, W, f32(5)), ValueError, r"bias.*\(6,\).*\(5,\)"),
    from_planes(
        "conv1d", "out of another shape", (X, W), ValueError, r"out.*\(2, 6, 1, 7\).*8", out=f32(2, 6, 8)
    ),
)
G = f32(2, 6, 7)
BACKWARD_ERRORS = (
    wrong(
        "conv1d_backward", "grad 4-d", (G[None], X, W), ValueError, r"grad_output of 3 axes.*\(1, 2, 6, 7\)"
    ),
    wrong("conv1d_backward", "x 4-d", (G, X[None], W), ValueError, r"x of 3 axes.*\(1, 2, 4, 9\)"),
    wrong("conv1d_backward", "weight 4-d", (G, X, W[None]), ValueError, r"weight of 3 axes.*\(1, 6, 4, 3\)"),
    wrong("conv1d_backward", "x None", (G, None, W), TypeError, r"x.*ndarray.*None"),
    wrong("conv1d_backward", "grad_output None", (None, X, W), TypeError, r"grad_output.*ndarray.*None"),
    wrong("conv1d_backward", "out[0] 4-d", (G, X, W), ValueError, r"out\[0\].*4", out=(X[None], None, None)),
    from_planes(
        "conv1d_backward", "grad_output longer", (f32(2, 6, 8), X, W), ValueError, r"grad_output.*1, 8\)"
    ),
    from_planes("conv1d_backward", "out no tuple", (G, X, W), TypeError, r"out.*tuple.*ndarray", out=X),
    from_planes(
        "conv1d_backward", "accumulate alone", (G, X, W), ValueError, r"out.*accumulate", accumulate=True
    ),
)

forward = Function(
    name="conv1d",
    stem="conv2d",
    run=run,
    reference=forward_reference,
    samples=samples,
    large=large,
    bound=bound,
    errors=ERRORS,
    batched=("x",),
    separable=lambda s: s.arrays["x"].ndim == 3,
)
backward = Function(
    name="conv1d_backward",
    stem="conv2d(_backward)?",
    run=run_backward,
    reference=backward_reference,
    samples=fed(samples, forward_reference, feed),
    large=fed(large, forward_reference, feed),
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
