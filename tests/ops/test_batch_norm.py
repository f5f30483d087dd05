"""batch_norm: the traps of its statistics, its running arrays, ReLU on top, and what stays as it was."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits

SHAPES = ((6, 5), (300, 3), (4, 3, 7), (3, 2, 5, 5), (2, 3, 30, 31))


def draw(shape: tuple[int, ...], dtype: str, seed: int = 0) -> tuple[np.ndarray, ...]:
    """x, weight, bias, running_mean, running_var, grad_output."""
    rng, C = np.random.default_rng(seed), shape[1]
    x, grad_output = rng.standard_normal(shape), rng.standard_normal(shape)
    weight, bias, mean, var = (
        rng.standard_normal(C),
        rng.standard_normal(C),
        rng.standard_normal(C),
        rng.random(C),
    )
    return tuple(a.astype(dtype) for a in (x, weight, bias, mean, var, grad_output))


def axes(x: np.ndarray) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


@pytest.mark.parametrize("shape", [(4000, 6), (500, 6, 2, 4), (16, 6, 20, 25), (2, 1, 400, 400)])
@pytest.mark.parametrize("ratio", [0.0, 1.0, 1000.0, 1e5])
def test_variance_at_a_large_mean(backend: Backend, shape: tuple[int, ...], ratio: float) -> None:
    """E[x^2] - E[x]^2 in float32 would be wrong by 6e-2 at a ratio of 1000."""
    x = (np.random.default_rng(0).standard_normal(shape) + ratio).astype(np.float32)
    wide = x.astype(np.float64)
    _, mean, invstd = backend.functional.batch_norm_with_stats(x, None, None, training=True, eps=1e-30)
    np.testing.assert_allclose(mean, wide.mean(axes(x)), rtol=6e-8, atol=2e-8)
    np.testing.assert_allclose(invstd, 1 / wide.std(axes(x)), rtol=1.5e-7)


def test_first_values_tell_nothing(backend: Backend) -> None:
    """A mean guessed from the start of a channel, 1e4 deviations away from the rest, does no harm."""
    x = np.random.default_rng(1).standard_normal((64, 2, 400)).astype(np.float32)
    x[0] += 1e4
    wide = x.astype(np.float64)
    _, _, invstd = backend.functional.batch_norm_with_stats(x, None, None, training=True)
    np.testing.assert_allclose(invstd, 1 / np.sqrt(wide.var((0, 2)) + 1e-5), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_constant_channels_give_the_bias(backend: Backend, shape: tuple[int, ...], dtype: str) -> None:
    x, weight, bias, *_ = draw(shape, dtype)
    x[...] = (1000 * np.arange(1, shape[1] + 1) / 3).reshape(1, -1, *(1,) * (x.ndim - 2))
    y = backend.functional.batch_norm(x, None, None, weight, bias, training=True)
    wanted = np.broadcast_to(bias.reshape(1, -1, *(1,) * (x.ndim - 2)), shape)
    np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_biased_normalises_unbiased_runs(backend: Backend, shape: tuple[int, ...], dtype: str) -> None:
    x, *_, mean, var, _ = draw(shape, dtype)
    tolerance = {"rtol": 64 * np.finfo(dtype).eps, "atol": 64 * np.finfo(dtype).eps}
    wanted_mean = 0.75 * mean + 0.25 * x.mean(axes(x))
    wanted_var = 0.75 * var + 0.25 * x.var(axes(x), ddof=1)
    y = backend.functional.batch_norm(x, mean, var, training=True, momentum=0.25)
    np.testing.assert_allclose(mean, wanted_mean, **tolerance)
    np.testing.assert_allclose(var, wanted_var, **tolerance)
    n = x.size / shape[1]
    biased = x.var(axes(x), ddof=0)
    np.testing.assert_allclose((y.astype(float) ** 2).sum(axes(x)) / n, biased / (biased + 1e-5), rtol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_eps_is_inside_the_root(backend: Backend, dtype: str) -> None:
    x = np.array([[0.0], [0.0]], dtype)
    _, _, invstd = backend.functional.batch_norm_with_stats(x, None, None, training=True, eps=0.25)
    assert invstd == 2.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_evaluation_leaves_the_running_statistics(
    backend: Backend, shape: tuple[int, ...], dtype: str
) -> None:
    x, weight, bias, mean, var, _ = draw(shape, dtype)
    before = mean.copy(), var.copy()
    mean.flags.writeable = var.flags.writeable = False
    backend.functional.batch_norm(x, mean, var, weight, bias)
    assert_same_bits((mean, var), before, "running statistics")


def test_nothing_is_written_where_a_check_fails(backend: Backend) -> None:
    F, (x, _, _, mean, var, _) = backend.functional, draw((4, 3), "float32")
    before, out = (mean.copy(), var.copy()), np.full((4, 3), 7, np.float32)
    read_only = out.copy()
    read_only.flags.writeable = False
    for arguments, options in (
        ((x, mean, var, np.ones(4, np.float32)), {}),
        ((x, mean, var, None, np.ones(3)), {}),
        ((x, mean, var), {"out": read_only}),
        ((x[:1], mean, var), {}),
        ((x, mean, var), {"eps": 0.0}),
        ((x, mean, var[:2]), {"out": out}),
    ):
        with pytest.raises((TypeError, ValueError), match=r"^\[batch_norm\] "):
            F.batch_norm(*arguments, training=True, **options)
    assert_same_bits((mean, var), before, "running statistics")
    assert (out == 7).all()


@pytest.mark.parametrize("overlapped", ["x", "out", "weight"])
def test_running_statistics_apart_from_the_rest(backend: Backend, overlapped: str) -> None:
    memory = np.ones(20, np.float32)
    x, mean, var = memory[:12].reshape(4, 3), np.zeros(3, np.float32), memory[8:11]
    arguments = (x if overlapped == "x" else x.copy(), mean, var, var if overlapped == "weight" else None)
    out = x if overlapped == "out" else None
    with pytest.raises(ValueError, match=r"^\[batch_norm\] .*not to overlap"):
        backend.functional.batch_norm(*arguments, training=True, out=out)
    assert (memory == 1).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 3), (2, 3, 0), (0, 3, 4, 5)])
def test_empty_batch_leaves_the_running_statistics(
    backend: Backend, shape: tuple[int, ...], dtype: str
) -> None:
    F, mean, var = backend.functional, np.full(3, 2, dtype), np.full(3, 5, dtype)
    x = np.empty(shape, dtype)
    assert F.batch_norm(x, mean, var, training=True).shape == shape
    np.testing.assert_array_equal((mean, var), [[2] * 3, [5] * 3])
    for training in (True, False):
        grads = F.batch_norm_backward(x, x, None, mean, var, training)
        assert grads[0].shape == shape
        np.testing.assert_array_equal(grads[1:], np.zeros((2, 3)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_fused_relu_is_unfused_bit_for_bit(
    backend: Backend, shape: tuple[int, ...], training: bool, dtype: str
) -> None:
    F, (x, weight, bias, mean, var, g) = backend.functional, draw(shape, dtype)
    x[:, -1], mean[-1], bias[-1] = 2.0, 2.0, 0.0  # y is 0 there, where ReLU passes nothing
    running = (None, None) if training else (mean, var)
    plain, save_mean, save_invstd = F.batch_norm_with_stats(x, *running, weight, bias, training)
    fused = F.batch_norm(x, *running, weight, bias, training, activation="relu")
    assert_same_bits([fused], [F.relu(plain)], "forward")
    saved = (weight, save_mean, save_invstd, training)
    wanted = F.batch_norm_backward(F.relu_backward(g, fused), x, *saved)
    assert_same_bits(F.batch_norm_backward(g, x, *saved, activation="relu", bias=bias), wanted, "backward")


@pytest.mark.parametrize("dtype", DTYPES)
def test_fused_relu_passes_the_gradient_where_y_is_nan(backend: Backend, dtype: str) -> None:
    F, (x, _, _, mean, var, g) = backend.functional, draw((6, 2, 3), dtype)
    x[2, 1, 1] = np.nan
    y, *stats = F.batch_norm_with_stats(x, mean, var, activation="relu")
    grad_x, *_ = F.batch_norm_backward(g, x, None, *stats, False, activation="relu")
    np.testing.assert_array_equal(grad_x[2, 1, 1], g[2, 1, 1] * stats[1][1])
    assert np.isnan(y).sum() == 1
    assert not np.isnan(grad_x).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_needs_and_accumulate(backend: Backend, shape: tuple[int, ...], training: bool, dtype: str) -> None:
    F, (x, weight, _, mean, var, g) = backend.functional, draw(shape, dtype)
    arguments = (g, x, weight, mean, var, training)
    whole = F.batch_norm_backward(*arguments)
    for needs in ((True, False, False), (False, True, False), (False, False, True), (False, False, False)):
        grads = F.batch_norm_backward(*arguments, needs=needs)
        assert_same_bits(grads, [a if n else None for a, n in zip(whole, needs, strict=True)], needs)
    out = (None, np.full_like(weight, 3), np.full_like(weight, -2))
    added = F.batch_norm_backward(*arguments, accumulate=True, out=out)
    assert added[1] is out[1]
    eps = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(added[1], whole[1] + 3, rtol=eps, atol=eps)
    np.testing.assert_allclose(added[2], whole[2] - 2, rtol=eps, atol=eps)
    assert_same_bits(added[:1], whole[:1], "grad_x")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_out_may_be_an_input(backend: Backend, shape: tuple[int, ...], training: bool, dtype: str) -> None:
    F, (x, weight, bias, mean, var, g) = backend.functional, draw(shape, dtype)
    running = (None, None) if training else (mean, var)
    y, *saved = F.batch_norm_with_stats(x, *running, weight, bias, training)
    grads = F.batch_norm_backward(g, x, weight, *saved, training)
    for place in (0, 1):
        arrays = [g.copy(), x.copy()]
        inside = F.batch_norm_backward(*arrays, weight, *saved, training, out=(arrays[place], None, None))
        assert inside[0] is arrays[place]
        assert_same_bits(inside, grads, f"grad_x in place of input {place}")
    same = x.copy()
    assert F.batch_norm(same, *running, weight, bias, training, out=same) is same
    assert_same_bits([same], [y], "y in place of x")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_sees_no_shift_and_no_scale(backend: Backend, shape: tuple[int, ...], dtype: str) -> None:
    """In training y does not change with x + c nor 2 x, so grad_x has no part along 1 and along x."""
    F, (x, weight, _, _, _, g) = backend.functional, draw(shape, dtype)
    _, *saved = F.batch_norm_with_stats(x, None, None, weight, training=True, eps=1e-30)
    grad_x, *_ = F.batch_norm_backward(g, x, weight, *saved, True)
    room = 64 * np.finfo(dtype).eps * np.abs(grad_x).sum(axes(x))
    assert (np.abs(grad_x.sum(axes(x))) <= room).all()
    assert (np.abs((grad_x * x).sum(axes(x))) <= 4 * room).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_planes_of_every_size_agree_with_columns(backend: Backend, dtype: str) -> None:
    """Small planes are read by columns, large ones by channels: the same numbers either way."""
    F, rng = backend.functional, np.random.default_rng(5)
    for inner in (1, 2, 15, 16, 17, 40):
        x = rng.standard_normal((9, 4, inner)).astype(dtype)
        flat = np.ascontiguousarray(x.swapaxes(1, 2)).reshape(-1, 4)
        y = F.batch_norm(x, None, None, training=True)
        rows = F.batch_norm(flat, None, None, training=True).reshape(9, inner, 4).swapaxes(1, 2)
        np.testing.assert_allclose(y, rows, rtol=0, atol=32 * np.finfo(dtype).eps)
