"""Training in the steady state touches no fresh page: every result and every gradient has its memory already.

A fresh page costs about a microsecond. A result of NumPy's own, which gives large blocks back to the system each
time, shows here as hundreds of faults a step.
"""

from resource import RUSAGE_SELF, getrusage

import numpy as np
import pytest

import fastnn
from fastnn import _core, nn, optim

STEPS = 200


def mlp():
    return (256,), nn.Sequential(
        nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )


def cnn():
    block = nn.Residual(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
    front = (nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), block, nn.MaxPool2d(2))
    return (1, 20, 20), nn.Sequential(*front, nn.Flatten(), nn.Dropout(), nn.Linear(1600, 10))


@pytest.mark.skipif(_core.cache_stats()["bytes_limit"] == 0, reason="a build that keeps no blocks")
@pytest.mark.parametrize("make", [mlp, cnn])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_training_step_touches_no_fresh_page(rng, make, threads):
    shape, model = make()
    loss, optimizer = nn.CrossEntropyLoss(), optim.Adam(model.parameters())
    x = rng.standard_normal((32, *shape)).astype(np.float32)
    target = rng.integers(10, size=32)

    def faults(steps):
        before = getrusage(RUSAGE_SELF).ru_minflt
        for _ in range(steps):
            optimizer.zero_grad()
            loss(model(x), target)
            model.backward_parameters(loss.backward())
            optimizer.step()
        return getrusage(RUSAGE_SELF).ru_minflt - before

    with fastnn.threads(threads):
        faults(20)
        assert faults(STEPS) < STEPS
