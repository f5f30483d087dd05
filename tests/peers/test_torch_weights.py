"""Weights go to PyTorch and back through a safetensors file."""

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from fastnn import io, nn


def pair():
    ours = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3),
        torch.nn.BatchNorm2d(2),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 3),
    )
    return ours, theirs


def agree(ours, theirs):
    x = np.random.default_rng(0).standard_normal((4, 1, 4, 4)).astype(np.float32)
    ours.eval()
    theirs.eval()
    with torch.inference_mode():
        np.testing.assert_allclose(ours(x), theirs(torch.from_numpy(x)).numpy(), rtol=1e-5, atol=1e-6)


def test_ours_in_torch(tmp_path):
    ours, theirs = pair()
    ours(np.random.default_rng(1).standard_normal((4, 1, 4, 4)).astype(np.float32))
    io.save_weights(ours, tmp_path / "w")
    theirs.load_state_dict(load_file(tmp_path / "w"))
    agree(ours, theirs)


def test_theirs_here(tmp_path):
    ours, theirs = pair()
    theirs(torch.randn(4, 1, 4, 4))
    save_file(theirs.state_dict(), tmp_path / "w")
    assert io.load_weights(ours, tmp_path / "w") == ([], [])
    agree(ours, theirs)
