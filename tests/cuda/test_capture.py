"""A training step does nothing that a capture refuses: no waiting, no allocation but the pool's."""

from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import nn, optim
from fastnn.backend import capturing, to_device, to_host
from tests.opinfo import Backend


def make_step() -> Any:
    fastnn.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 3),
    ).to("cuda")
    loss, optimizer = nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    rng = np.random.default_rng(0)
    x = to_device(rng.standard_normal((6, 1, 8, 8), np.float32), "cuda")
    y = to_device(rng.integers(0, 3, 6), "cuda")

    def step() -> object:
        optimizer.zero_grad()
        value = loss(model(x), y)
        model.backward_parameters(loss.backward())
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return value

    return step


def test_a_step_can_be_captured(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the host the shim refuses what a capture would; a GPU captures and replays."""
    step = make_step()
    before = float(to_host(step()))
    if backend.name == "cuda":
        replay = fastnn.cuda.graph(step)
        for _ in range(20):
            value = replay()
    else:
        monkeypatch.setenv("FASTNN_SIMT_CAPTURE", "1")
        with capturing():
            value = [step() for _ in range(20)][-1]
        with pytest.raises(RuntimeError, match="cudaErrorStreamCaptureUnsupported"):
            to_host(value)
        monkeypatch.delenv("FASTNN_SIMT_CAPTURE")
    assert float(to_host(value)) < before


@pytest.mark.parametrize("name", ["Adam", "AdamW", "dropout"])
def test_what_counts_steps_refuses_to_be_captured(backend: Backend, name: str) -> None:
    weight = nn.Parameter(to_device(np.ones(3), "cuda"))
    weight.grad = to_device(np.ones(3), "cuda")
    optimizer = getattr(optim, name if name != "dropout" else "Adam")([weight], lr=0.1)
    with capturing(), pytest.raises(RuntimeError, match=r"expected not to be captured in a graph"):
        nn.Dropout(0.5)(weight.data) if name == "dropout" else optimizer.step()
    np.testing.assert_array_equal(to_host(weight.data), 1.0)
