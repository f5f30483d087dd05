"""The same training in PyTorch and fastnn, from one state_dict: the same losses at every step."""

from typing import Any

import numpy as np
import pytest
import torch

from fastnn import nn, optim

STEPS, BATCH = 20, 32
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3},
    "Adam": {"lr": 1e-3, "weight_decay": 1e-3},
    "AdamW": {"lr": 1e-3, "amsgrad": True},
}


def torch_model(dtype: str) -> torch.nn.Sequential:
    torch.manual_seed(0)
    layers = (torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    return torch.nn.Sequential(*layers).to(getattr(torch, dtype))


def model_like(reference: torch.nn.Module, dtype: str) -> nn.Sequential:
    layers = (nn.Linear(64, 32, dtype=dtype), nn.ReLU(), nn.Linear(32, 10, dtype=dtype))
    model = nn.Sequential(*layers)
    model.load_state_dict({name: value.numpy().copy() for name, value in reference.state_dict().items()})
    return model


def batches(dtype: str) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(4)
    return [
        (rng.standard_normal((BATCH, 64)).astype(dtype), rng.integers(0, 10, BATCH)) for _ in range(STEPS)
    ]


def torch_losses(model: torch.nn.Module, optimizer: torch.optim.Optimizer, dtype: str) -> list[float]:
    losses = []
    for x, target in batches(dtype):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.tensor(x)), torch.tensor(target))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def own_losses(model: nn.Module, optimizer: optim.Optimizer, dtype: str) -> list[float]:
    criterion, losses = nn.CrossEntropyLoss(), []
    for x, target in batches(dtype):
        optimizer.zero_grad()
        losses.append(float(criterion(model(x), target)))
        model.backward(criterion.backward())
        optimizer.step()
    return losses


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twenty_steps(name: str, dtype: str) -> None:
    options = OPTIMIZERS[name]
    reference = torch_model(dtype)
    model = model_like(reference, dtype)
    wanted = torch_losses(reference, getattr(torch.optim, name)(reference.parameters(), **options), dtype)
    losses = own_losses(model, getattr(optim, name)(model.parameters(), **options), dtype)
    assert len(set(wanted)) == STEPS
    np.testing.assert_allclose(losses, wanted, rtol=TOLERANCE[dtype])
    for key, value in reference.state_dict().items():
        np.testing.assert_allclose(
            model.state_dict()[key], value.numpy(), rtol=10 * TOLERANCE[dtype], atol=10 * TOLERANCE[dtype]
        )
