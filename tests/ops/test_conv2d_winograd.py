"""Winograd's algorithm: exact where nothing is rounded, taken where it is named and nowhere else."""

from typing import Any

import numpy as np
import pytest
from numpy.random import Generator

import fastnn.functional as F
from fastnn import nn
from tests.opinfo import DTYPES, Backend
from tests.opinfo.comparison import assert_same_bits
from tests.ops.test_conv2d import assert_exact
from tests.reference.conv2d_winograd import forward_terms, grad_weight_terms, grad_x_terms

SHAPES_ON_INTEGERS = 150


def draw(rng: Generator) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """Of windows that it is made for; the halves and quarters of its transforms are exact, too."""
    groups = int(rng.choice([1, 1, 1, 2, 3]))
    channels, filters = int(rng.choice([16, 17, 32, 40])), int(rng.choice([16, 31, 32, 33, 64]))
    N, plane = int(rng.integers(0, 5)), rng.integers(3, rng.choice([8, 20, 36]), 2)
    padding = rng.integers(0, 4, (2, 2)) * rng.integers(0, 2)
    options = {"padding": tuple(map(tuple, padding.tolist())), "groups": groups, "algorithm": "winograd"}
    return (N, groups * channels, *plane.tolist()), (groups * filters, channels, 3, 3), options


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_on_integers(backend: Backend, dtype: str) -> None:
    rng = np.random.default_rng(50)
    for _ in range(SHAPES_ON_INTEGERS):
        assert_exact(backend, dtype, rng, draw(rng))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [260, 600])
def test_many_channels_are_added_in_blocks(backend: Backend, channels: int, dtype: str) -> None:
    rng = np.random.default_rng(51)
    problem = ((2, channels, 5, 6), (32, channels, 3, 3), {"padding": 1, "algorithm": "winograd"})
    assert_exact(backend, dtype, rng, problem)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "mean"])
def test_padding_modes(backend: Backend, mode: str) -> None:
    """A mean over 16 cells is exact, too."""
    rng = np.random.default_rng(52)
    options = {"padding": ((1, 2), (2, 0)), "padding_mode": mode, "algorithm": "winograd"}
    assert_exact(backend, "float64", rng, ((2, 16, 4, 4), (32, 16, 3, 3), options))


def arrays(dtype: str, *shapes: tuple[int, ...]) -> list[Any]:
    rng = np.random.default_rng(53)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", DTYPES)
def test_is_taken_where_it_is_named(dtype: str) -> None:
    """Other roundings show that another way was taken."""
    x, weight, g = arrays(dtype, (2, 64, 9, 9), (64, 64, 3, 3), (2, 64, 7, 7))
    direct = F.conv2d(x, weight), *F.conv2d_backward(g, x, weight)[:2]
    chosen = (
        F.conv2d(x, weight, algorithm="winograd"),
        *F.conv2d_backward(g, x, weight, algorithm="winograd")[:2],
    )
    for name, a, b in zip(("y", "grad_x", "grad_weight"), direct, chosen, strict=True):
        assert not np.array_equal(a, b), name


@pytest.mark.parametrize(
    ("x", "weight", "options"),
    [
        ((2, 32, 9, 9), (32, 32, 5, 5), {}),
        ((2, 32, 9, 9), (32, 32, 3, 3), {"stride": 2}),
        ((2, 32, 9, 9), (32, 32, 3, 3), {"dilation": 2}),
        ((2, 3, 9, 9), (32, 3, 3, 3), {}),
        ((2, 32, 9, 9), (4, 32, 3, 3), {}),
        ((2, 32, 9, 9), (32, 1, 3, 3), {"groups": 32}),
        ((2, 32, 3, 9), (32, 32, 3, 3), {}),
        ((1, 16, 4, 2051), (16, 16, 3, 3), {}),
    ],
)
def test_other_windows_are_taken_directly(
    x: tuple[int, ...], weight: tuple[int, ...], options: dict[str, Any]
) -> None:
    planes, filters = arrays("float32", x, weight)
    y = F.conv2d(planes, filters, **options)
    assert_same_bits(F.conv2d(planes, filters, **options, algorithm="winograd"), y, "y")


@pytest.mark.parametrize(("channels", "plane"), [(64, 14), (256, 7), (600, 6)])
def test_error_bound(backend: Backend, channels: int, plane: int) -> None:
    """|error| <= 4 eps times the sizes of the terms that it adds, component by component."""
    F, eps = backend.functional, np.finfo(np.float32).eps
    x, weight, g = arrays("float32", (2, channels, plane, plane), (96, channels, 3, 3), (2, 96, plane, plane))
    results = (
        F.conv2d(x, weight, padding=1, algorithm="winograd"),
        *F.conv2d_backward(g, x, weight, padding=1, algorithm="winograd")[:2],
    )
    wide = [a.astype(np.float64) for a in (g, x, weight)]
    wanted = F.conv2d(*wide[1:], padding=1), *F.conv2d_backward(*wide, padding=1)[:2]
    sizes = [np.abs(a) for a in wide]
    bounds = (
        forward_terms(*sizes[1:], padding=1),
        grad_x_terms(*sizes, padding=1),
        grad_weight_terms(*sizes, padding=1),
    )
    for name, result, want, bound in zip(
        ("y", "grad_x", "grad_weight"), results, wanted, bounds, strict=True
    ):
        assert (np.abs(result - want) <= 4 * eps * bound).all(), name


def test_an_infinity_stays_in_its_tiles() -> None:
    x, weight = arrays("float32", (1, 32, 12, 12), (32, 32, 3, 3))
    before = F.conv2d(x, weight, padding=1, algorithm="winograd")
    x[0, 3, 5, 5] = np.inf
    after = F.conv2d(x, weight, padding=1, algorithm="winograd")
    changed = np.zeros((12, 12), bool)
    changed[4:8, 4:8] = True  # the outputs of the tiles that see cell (5, 5)
    assert not np.isfinite(after[:, :, 4:7, 4:7]).any()
    assert_same_bits(after[:, :, ~changed], before[:, :, ~changed], "outputs of other tiles")


@pytest.mark.parametrize("dtype", DTYPES)
def test_fused_relu_has_the_bits_of_relu(dtype: str) -> None:
    x, weight, bias = arrays(dtype, (2, 32, 9, 9), (32, 32, 3, 3), (32,))
    y = F.conv2d(x, weight, bias, padding=1, algorithm="winograd")
    fused = F.conv2d(x, weight, bias, padding=1, algorithm="winograd", activation="relu")
    assert_same_bits(fused, F.relu(y), "y")


def test_layer() -> None:
    x, g = arrays("float32", (2, 32, 9, 9), (2, 48, 9, 9))
    layer = nn.Conv2d(32, 48, 3, padding=1, algorithm="winograd")
    assert repr(layer).endswith("padding=(1, 1), algorithm=winograd)")
    weight, bias = layer.weight.data, layer.bias.data  # type: ignore[union-attr]
    assert_same_bits(layer(x), F.conv2d(x, weight, bias, padding=1, algorithm="winograd"), "y")
    wanted = F.conv2d_backward(g, x, weight, padding=1, algorithm="winograd")
    assert_same_bits(layer.backward(g), wanted[0], "grad_x")
    with pytest.raises(ValueError, match=r"\[Conv2d\] expected algorithm .*'fft'"):
        nn.Conv2d(32, 48, 3, algorithm="fft")  # type: ignore[arg-type]
