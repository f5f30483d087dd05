"""pad: torch's order of sides, what each mode repeats, cropping, and sizes beyond memory."""

from typing import Any

import numpy as np
import pytest

from tests.opinfo import DTYPES, Backend

PLANE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def test_last_axis_comes_first(backend: Backend) -> None:
    assert backend.functional.pad(np.zeros((5, 7)), (1, 2, 10, 20)).shape == (35, 10)
    assert backend.functional.pad(np.zeros((5, 7)), (1, 2)).shape == (5, 10)
    assert backend.functional.pad(np.zeros((5, 7)), [0, 0, 1, 0]).shape == (6, 7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("mode", "first", "last"),
    [
        ("constant", [9, 9, 9, 9, 9, 9], [9, 1, 2, 3, 9, 9]),
        ("reflect", [5, 4, 5, 6, 5, 4], [2, 1, 2, 3, 2, 1]),
        ("replicate", [1, 1, 2, 3, 3, 3], [4, 4, 5, 6, 6, 6]),
        ("circular", [6, 4, 5, 6, 4, 5], [3, 1, 2, 3, 1, 2]),
        ("mean", [3.5] * 6, [3.5] * 6),
    ],
)
def test_rows_around_the_plane(backend: Backend, mode: str, first: list, last: list, dtype: str) -> None:
    """One row above and one below; below, "constant" is cropped to the plane's first row."""
    rows = (1, -1) if mode == "constant" else (1, 1)
    value = {"value": 9.0} if mode == "constant" else {}
    y = backend.functional.pad(PLANE.astype(dtype), (1, 2, *rows), mode=mode, **value)
    np.testing.assert_array_equal(y[0], np.array(first, dtype))
    np.testing.assert_array_equal(y[-1], np.array(last, dtype))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "mean"])
def test_cut_and_added_at_opposite_ends(backend: Backend, mode: str) -> None:
    """What is added repeats the whole plane, also where a part of it is cut away."""
    F = backend.functional
    np.testing.assert_array_equal(
        F.pad(PLANE, (-2, 2, 0, 1 if mode != "reflect" else 0), mode=mode),
        F.pad(PLANE, (0, 2, 0, 1 if mode != "reflect" else 0), mode=mode)[:, 2:],
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_is_that_of_each_plane(backend: Backend, dtype: str) -> None:
    x = np.stack([np.full((3, 3), 2.0), np.full((3, 3), -5.0)]).astype(dtype)
    y = backend.functional.pad(x, (1, 1, 1, 1), mode="mean")
    np.testing.assert_array_equal(y, np.broadcast_to(x[:, :1, :1], (2, 5, 5)))


def test_mean_keeps_its_digits_in_float32(backend: Backend) -> None:
    """Added up in float32, a million numbers around 1000 would be off in the fourth digit."""
    x = np.random.default_rng(0).normal(1000, 1, (1, 1000, 1000)).astype(np.float32)
    mean = backend.functional.pad(x, (1, 0), mode="mean")
    wanted = x.astype(np.float64).mean(axis=-1)
    np.testing.assert_allclose(mean[..., 0], wanted, rtol=2**-24)
    plane = backend.functional.pad(x, (1, 0, 1, 0), mode="mean")
    np.testing.assert_allclose(plane[0, 0, 0], wanted.mean(), rtol=2**-24)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular", "mean"])
def test_backward_is_exact_on_integers(backend: Backend, mode: str, dtype: str) -> None:
    """<g, pad(x)> = <pad_backward(g), x>, where the plane has 16 cells so that a mean is exact."""
    rng = np.random.default_rng(1)
    x = rng.integers(-8, 8, (3, 4, 4)).astype(dtype)
    sides = (3, 2, 1, 3)
    y = backend.functional.pad(x, sides, mode=mode)
    g = rng.integers(-8, 8, y.shape).astype(dtype)
    assert float((g * y).sum()) == float((backend.functional.pad_backward(g, sides, mode=mode) * x).sum())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pad", [(2**40, 0), (2**40, 2**40, 2**40, 2**40)])
def test_result_too_large(backend: Backend, pad: tuple[int, ...], dtype: str) -> None:
    for mode in ("constant", "replicate", "mean"):
        with pytest.raises((MemoryError, ValueError)):
            backend.functional.pad(np.ones((2**10, 2**10), dtype), pad, mode=mode)
    assert backend.functional.pad(np.ones((0, 1, 1), dtype), (2**20, 2**20, 2**20, 0)).shape == (
        0,
        2**20 + 1,
        2**21 + 1,
    )


def test_an_out_may_be_padded_again(backend: Backend) -> None:
    """The result overlaps x, the middle of it."""
    frame: Any = np.zeros((4, 5))
    frame[1:3, 1:4] = PLANE
    wanted = backend.functional.pad(PLANE, (1, 1, 1, 1), mode="replicate")
    backend.functional.pad(frame[1:3, 1:4], (1, 1, 1, 1), mode="replicate", out=frame)
    np.testing.assert_array_equal(frame, wanted)
