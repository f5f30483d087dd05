"""A training step does nothing that a capture refuses: no waiting, no allocation but the pool's."""

import numpy as np
import pytest

import fastnn
from fastnn import nn, optim
from fastnn.backend import to_device, to_host
from tests.cuda.replays import HostCapture, Step, replay_of
from tests.opinfo import Backend


def make_step() -> tuple[Step, nn.Module, optim.Optimizer]:
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

    return step, model, optimizer


def test_a_step_can_be_captured(backend: Backend) -> None:
    """On the host the shim refuses what a capture would; a GPU captures and replays."""
    step, model, optimizer = make_step()
    before = float(to_host(step()))
    replay = replay_of(backend, step, model, optimizer)
    values = [replay() for _ in range(20)]
    assert float(to_host(values[-1])) < before
    if backend.name == "simt":
        for copy in (lambda: to_host(values[-1]), lambda: to_device(np.ones(2), "cuda")):
            with pytest.raises(RuntimeError, match="cudaErrorStreamCaptureUnsupported"):
                HostCapture().call(copy)
