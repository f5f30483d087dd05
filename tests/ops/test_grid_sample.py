"""grid_sample and affine_grid: what is special about them beyond the table of operations."""

import numpy as np
import pytest

from tests.opinfo import Backend

DTYPES = ("float32", "float64")
ALIGN = (False, True)


def turned(quarters: int) -> np.ndarray:
    angle = quarters * np.pi / 2
    c, s = np.round(np.cos(angle)), np.round(np.sin(angle))
    return np.array([[c, -s, 0.0], [s, c, 0.0]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("align_corners", ALIGN)
def test_identity_gives_the_input(backend: Backend, align_corners: bool, dtype: str) -> None:
    F, x = backend.functional, np.random.default_rng(0).standard_normal((2, 3, 5, 8)).astype(dtype)
    theta = np.broadcast_to(turned(0), (2, 2, 3)).astype(dtype)
    y = F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners), align_corners=align_corners)
    np.testing.assert_allclose(y, x, rtol=0, atol=32 * np.finfo(dtype).eps)


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_quarter_turns_are_numpys(backend: Backend, quarters: int, mode: str) -> None:
    F, x = backend.functional, np.random.default_rng(0).standard_normal((1, 2, 6, 6))
    y = F.grid_sample(x, F.affine_grid(turned(quarters)[None], x.shape), mode)
    np.testing.assert_allclose(y, np.rot90(x, quarters, axes=(2, 3)), rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
@pytest.mark.parametrize("align_corners", ALIGN)
def test_without_the_grid_the_same_bits(
    backend: Backend, align_corners: bool, padding_mode: str, dtype: str
) -> None:
    F, rng = backend.functional, np.random.default_rng(1)
    x = rng.standard_normal((3, 2, 17, 19)).astype(dtype)
    theta = rng.uniform(-1.5, 1.5, (3, 2, 3)).astype(dtype)
    for mode in ("bilinear", "nearest"):
        wanted = F.grid_sample(
            x, F.affine_grid(theta, x.shape, align_corners), mode, padding_mode, align_corners
        )
        y = backend.core.affine_sample(x, theta, mode, padding_mode, align_corners, None)
        assert y.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("place", [np.nan, np.inf, -np.inf, 3e9, -3e9, 1e30])
def test_places_out_of_reach(backend: Backend, place: float) -> None:
    """torch's: 0 * NaN is NaN, a border holds everything, and no cell is near what is infinite."""
    F, x = backend.functional, np.arange(1.0, 13.0).reshape(1, 1, 3, 4)
    grid = np.array([[[[place, 0.0]]]])
    nowhere = 0.0 if abs(place) < np.inf else np.nan
    np.testing.assert_equal(F.grid_sample(x, grid).item(), nowhere)
    np.testing.assert_equal(F.grid_sample(x, grid, "nearest").item(), 0.0)
    for mode in ("bilinear", "nearest"):
        assert F.grid_sample(x, grid, mode, "border").item() == (8.0 if place > 0 else 5.0)
        grad_input, grad_grid = F.grid_sample_backward(np.ones((1, 1, 1, 1)), x, grid, mode, "border")
        assert grad_input.sum() == 1.0
        assert grad_grid[..., 0].item() == 0.0
    grad_input, _ = F.grid_sample_backward(np.ones((1, 1, 1, 1)), x, grid)
    assert not grad_input.any()


def test_infinite_cells_spread_no_further_than_their_taps(backend: Backend) -> None:
    x = np.zeros((1, 1, 4, 4))
    x[..., 3, 3] = np.inf
    grid = np.array([[[[-0.5, -0.5], [2.0, 2.0], [0.5, 0.5]]]])
    assert backend.functional.grid_sample(x, grid)[0, 0, 0].tolist() == [0.0, 0.0, np.inf]


@pytest.mark.parametrize("dtype", DTYPES)
def test_backward_by_input_is_the_adjoint_on_exact_numbers(backend: Backend, dtype: str) -> None:
    """<g, sample(x)> = <sample_backward(g), x>, at quarters of cells, where all products are exact."""
    F, rng = backend.functional, np.random.default_rng(2)
    x = rng.integers(-8, 8, (2, 3, 8, 4)).astype(dtype)
    grid = (rng.integers(-40, 40, (2, 5, 6, 2)) / 32).astype(dtype)
    for padding_mode in ("zeros", "border"):
        y = F.grid_sample(x, grid, padding_mode=padding_mode)
        g = rng.integers(-8, 8, y.shape).astype(dtype)
        grad_input, _ = F.grid_sample_backward(g, x, grid, padding_mode=padding_mode)
        assert float((g * y).sum()) == float((grad_input * x).sum())


def test_ties_of_nearest_go_to_the_even_cell(backend: Backend) -> None:
    x = np.arange(6.0).reshape(1, 1, 1, 6)
    halves = (2 * np.array([0.5, 1.5, 2.5, 3.5]) + 1) / 6 - 1
    grid = np.stack([halves, np.zeros(4)], axis=-1)[None, None]
    assert backend.functional.grid_sample(x, grid, "nearest").ravel().tolist() == [0.0, 2.0, 2.0, 4.0]


@pytest.mark.parametrize("needs", [(True, False), (False, True), (False, False)])
def test_only_what_is_needed(backend: Backend, needs: tuple[bool, bool]) -> None:
    F, rng = backend.functional, np.random.default_rng(3)
    x, grid = rng.standard_normal((2, 3, 4, 5)), rng.uniform(-1, 1, (2, 3, 2, 2))
    g = rng.standard_normal((2, 3, 3, 2))
    both = F.grid_sample_backward(g, x, grid)
    some = F.grid_sample_backward(g, x, grid, needs=needs)
    for wanted, gradient, need in zip(both, some, needs, strict=True):
        assert (gradient.tobytes() == wanted.tobytes()) if need else gradient is None


def test_outs_that_overlap_are_refused(backend: Backend) -> None:
    x, grid = np.ones((1, 1, 2, 2)), np.zeros((1, 1, 2, 2))
    memory = np.zeros(6)
    out = (memory[:4].reshape(x.shape), memory[2:].reshape(grid.shape))
    with pytest.raises(ValueError, match=r"\[grid_sample_backward\] .*out.*overlap"):
        backend.functional.grid_sample_backward(np.ones((1, 1, 1, 2)), x, grid, out=out)


@pytest.mark.parametrize("dtype", DTYPES)
def test_grids_too_large(backend: Backend, dtype: str) -> None:
    F, theta = backend.functional, np.ones((1, 2, 3), dtype)
    for size in ((1, 1, 2**40, 2**40), (1, 1, 2**30, 2**30), (1, 1, 1, 2**40)):
        with pytest.raises((MemoryError, ValueError)):
            F.affine_grid(theta, size)
    assert F.affine_grid(theta[:0], (0, 1, 2**20, 2**30)).shape == (0, 2**20, 2**30, 2)
