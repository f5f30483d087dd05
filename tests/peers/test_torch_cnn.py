"""A convolutional net of PyTorch and its twin here: the same outputs from its weights, the same training."""

import numpy as np
import pytest
import torch

from fastnn import nn, optim


def theirs() -> torch.nn.Sequential:
    t = torch.nn
    torch.manual_seed(4)
    model = t.Sequential(
        t.Conv2d(3, 16, 3, padding=1, bias=False),
        t.BatchNorm2d(16),
        t.ReLU(),
        t.MaxPool2d(2),
        t.Conv2d(16, 32, 3, stride=2, padding=1, groups=2),
        t.BatchNorm2d(32),
        t.ReLU(),
        t.AvgPool2d(2),
        t.Flatten(),
        t.Dropout(0.0),
        t.Linear(32 * 4 * 4, 24),
        t.GELU(),
        t.Linear(24, 10),
    )
    for layer in model:
        if isinstance(layer, t.BatchNorm2d):  # as after some training
            t.init.normal_(layer.weight, 1.0, 0.2)
            t.init.normal_(layer.running_mean)
            t.init.uniform_(layer.running_var, 0.5, 2.0)
    return model


def ours(dtype: str) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False, dtype=dtype),
        nn.BatchNorm2d(16, dtype=dtype),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, groups=2, dtype=dtype),
        nn.BatchNorm2d(32, dtype=dtype),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.0),
        nn.Linear(32 * 4 * 4, 24, dtype=dtype),
        nn.GELU(),
        nn.Linear(24, 10, dtype=dtype),
    )


def arrays(model: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}


def close(actual: np.ndarray, wanted: np.ndarray, tolerance: float, name: str) -> None:
    scale = max(float(np.abs(wanted).max(initial=0.0)), 1e-3)
    np.testing.assert_allclose(actual, wanted, rtol=0, atol=tolerance * scale, err_msg=name)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_weights_of_pytorch_give_its_outputs(dtype: str, tolerance: float) -> None:
    peer, model = theirs().to(getattr(torch, dtype)).eval(), ours(dtype).eval()
    model.load_state_dict(arrays(peer))
    x = np.random.default_rng(0).standard_normal((9, 3, 32, 32)).astype(dtype)
    with torch.no_grad():
        wanted = peer(torch.from_numpy(x)).numpy()
    close(model(x), wanted, tolerance, "outputs")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-4), ("float64", 1e-10)])
def test_five_steps_leave_the_same_state(dtype: str, tolerance: float) -> None:
    """Parameters, running statistics and the count of batches, by name."""
    peer, model = theirs().to(getattr(torch, dtype)), ours(dtype)
    model.load_state_dict(arrays(peer))
    loss, peer_loss = nn.CrossEntropyLoss(), torch.nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    peer_optimizer = torch.optim.SGD(peer.parameters(), lr=0.05, momentum=0.9)
    rng = np.random.default_rng(1)
    for _ in range(5):
        x, labels = rng.standard_normal((16, 3, 32, 32)).astype(dtype), rng.integers(10, size=16)
        optimizer.zero_grad()
        value = loss(model(x), labels)
        model.backward_parameters(loss.backward())
        optimizer.step()
        peer_optimizer.zero_grad()
        peer_value = peer_loss(peer(torch.from_numpy(x)), torch.from_numpy(labels))
        peer_value.backward()
        peer_optimizer.step()
        assert value == pytest.approx(peer_value.item(), rel=tolerance)
    state = model.state_dict()
    for name, wanted in arrays(peer).items():
        close(state[name], wanted, tolerance, name)
