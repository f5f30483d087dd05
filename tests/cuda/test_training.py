"""Whole trainings on CuPy arrays give what those on NumPy arrays give."""

import numpy as np
import pytest

from fastnn import nn, optim, train
from fastnn import random as fastnn_random
from fastnn.backend import is_gpu_array, to_device, to_host
from tests.opinfo import Backend

STEPS = 50
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=2e-3, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=2e-3),
    "RMSprop": lambda p: optim.RMSprop(p, lr=1e-3, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=1e-2),
}


def cnn() -> nn.Sequential:
    fastnn_random.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
        nn.LeakyReLU(),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(24, 8),
        nn.LayerNorm(8),
        nn.Tanh(),
        nn.Linear(8, 3),
    )


def losses(device: str, name: str, steps: int) -> tuple[list[float], nn.Sequential, optim.Optimizer]:
    rng = np.random.default_rng(1)
    x = to_device(rng.standard_normal((12, 1, 8, 8), np.float32), device)
    y = to_device(rng.integers(0, 3, 12), device)
    model, loss = cnn().to(device), nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = OPTIMIZERS[name](model.parameters())
    values = []
    for _ in range(steps):
        optimizer.zero_grad()
        values.append(loss(model(x), y))
        model.backward_parameters(loss.backward())
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    return [float(to_host(v)) for v in values], model, optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_same_losses_as_on_the_cpu(backend: Backend, name: str) -> None:
    steps = STEPS if name == "SGD" else 8
    wanted, *_ = losses("cpu", name, steps)
    given, model, _ = losses("cuda", name, steps)
    assert all(is_gpu_array(p.data) and is_gpu_array(p.grad) for p in model.parameters())
    assert wanted[-1] < wanted[0]
    np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-4)


def test_same_bits_twice(backend: Backend) -> None:
    first, *_ = losses("cuda", "Adam", 4)
    assert losses("cuda", "Adam", 4)[0] == first


def test_state_of_the_optimizer_follows(backend: Backend) -> None:
    _, model, optimizer = losses("cpu", "Adam", 2)
    model.to("cuda")
    for parameter in model.parameters():
        parameter.grad = to_device(np.ones(parameter.shape, np.float32), "cuda")
    optimizer.step()
    arrays = [v for state in optimizer.state.values() for v in state.values() if not isinstance(v, int)]
    assert arrays
    assert all(map(is_gpu_array, arrays))


def test_saved_here_loaded_there(backend: Backend) -> None:
    _, model, optimizer = losses("cuda", "Adam", 2)
    copy = cnn()
    copy.load_state_dict(model.state_dict())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(copy.state_dict()[name], to_host(value))
    other = OPTIMIZERS["Adam"](copy.parameters())
    other.load_state_dict(optimizer.state_dict())
    for parameter, theirs in zip(copy.parameters(), model.parameters(), strict=True):
        ours = other.state[parameter]["exp_avg"]
        assert isinstance(ours, np.ndarray)
        np.testing.assert_array_equal(ours, to_host(optimizer.state[theirs]["exp_avg"]))


def test_buffers_follow(backend: Backend) -> None:
    model = cnn().to("cuda")
    norm = model[1]
    assert is_gpu_array(norm.running_mean)
    assert isinstance(norm.num_batches_tracked, np.ndarray)
    assert isinstance(model.to("cpu")[1].running_mean, np.ndarray)


@pytest.mark.parametrize("where", ["cpu", "cuda"])
def test_fit_takes_arrays_of_either_kind(backend: Backend, where: str) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((40, 1, 8, 8), np.float32), rng.integers(0, 3, 40)
    results = []
    for device in ("cpu", "cuda"):
        model = cnn().to(device)
        optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
        given = (x, y) if device == "cpu" else (to_device(x, where), to_device(y, where))
        history = train.fit(
            model,
            nn.CrossEntropyLoss(),
            optimizer,
            given,
            validation=(x[:12], y[:12]),
            epochs=3,
            batch_size=16,
            metrics=["accuracy"],
            seed=3,
            progress=False,
        )
        results.append([*history["loss"], *history["val_loss"], *history["accuracy"]])
        outputs = train.predict(model, given[0][:8])
        assert is_gpu_array(outputs) == (device == where == "cuda")
    np.testing.assert_allclose(results[1], results[0], rtol=0, atol=1e-4)
