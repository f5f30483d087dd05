"""What the random configurations of `differential` do not cover: randomness, and calls that both refuse."""

import numpy as np
import pytest
import torch

import fastnn.functional as F

TF = torch.nn.functional
DTYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
def test_dropout_of_special_values(p: float, dtype: str) -> None:
    """The masks differ; what a dropped or a kept element turns into does not."""
    x = np.array([np.nan, np.inf, -np.inf, -0.0, 3.0] * 200, dtype)
    wanted = TF.dropout(torch.tensor(x), p).numpy()
    y = F.dropout(x, p, key=(1, 2))
    for kind in range(5):
        ours, theirs = ({repr(float(v)) for v in np.unique(a[kind::5])} for a in (y, wanted))
        assert ours == theirs


@pytest.mark.parametrize("value", [-1, 5, 2**40])
def test_labels_out_of_range_are_refused_by_both(value: int) -> None:
    logits, target = np.zeros((2, 5), np.float32), np.array([0, value])
    with pytest.raises(IndexError):
        F.cross_entropy(logits, target)
    with pytest.raises(IndexError):
        TF.cross_entropy(torch.tensor(logits), torch.tensor(target))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e9, -1e30])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
def test_sampling_at_places_out_of_reach(padding_mode: str, mode: str, value: float, dtype: str) -> None:
    x = np.arange(1, 13, dtype=dtype).reshape(1, 1, 3, 4)
    grid = np.full((1, 1, 20, 2), 0.1, dtype)
    grid[..., 0] = value
    wanted = TF.grid_sample(torch.tensor(x), torch.tensor(grid), mode, padding_mode, align_corners=False)
    np.testing.assert_allclose(F.grid_sample(x, grid, mode, padding_mode), wanted.numpy(), rtol=1e-5)


@pytest.mark.parametrize("options", [{"mode": "bicubic"}, {"padding_mode": "reflection"}])
def test_what_only_torch_samples_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\[grid_sample\] expected (mode|padding_mode)"):
        F.grid_sample(np.ones((1, 1, 2, 2)), np.zeros((1, 1, 1, 2)), **options)
