"""Training in the steady state touches no fresh page: results and gradients have their memory already.

A fresh page costs about a microsecond. The arrays here are of 2 MiB and more, which the system would give and
take away each time if nobody kept them.
"""

from resource import RUSAGE_SELF, getrusage

import numpy as np
import pytest

import fastnn
from fastnn import _core, nn, optim

STEPS, ROUNDS = 50, 6


def mlp():
    layers = (nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    return (8192, 16), nn.Sequential(*layers)


def cnn():
    block = nn.Residual(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
    front = (nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), block, nn.MaxPool2d(2))
    return (128, 1, 24, 24), nn.Sequential(*front, nn.Flatten(), nn.Dropout(), nn.Linear(1152, 10))


@pytest.mark.skipif(_core.cache_stats()["bytes_limit"] == 0, reason="a build that keeps no blocks")
@pytest.mark.parametrize("make", [mlp, cnn])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_training_step_touches_no_fresh_page(rng, make, threads):
    shape, model = make()
    loss, optimizer = nn.CrossEntropyLoss(), optim.Adam(model.parameters())
    x = rng.standard_normal(shape).astype(np.float32)
    target = rng.integers(10, size=shape[0])

    def faults(steps):
        before = getrusage(RUSAGE_SELF).ru_minflt
        for _ in range(steps):
            optimizer.zero_grad()
            loss(model(x), target)
            model.backward_parameters(loss.backward())
            optimizer.step()
        return getrusage(RUSAGE_SELF).ru_minflt - before

    # On a busy machine it takes a while until two threads have once held all they ever hold at a time.
    with fastnn.threads(threads):
        assert any(faults(STEPS) < STEPS for _ in range(ROUNDS))
