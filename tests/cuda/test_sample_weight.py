"""Weights of samples on CuPy arrays give what they give on NumPy's, and nothing waits for the device."""

from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import nn, optim, train
from fastnn.backend import is_gpu_array, to_device, to_host
from tests.cuda.replays import HostCapture
from tests.nn.test_sample_weight import CASES, COPIES, IDS, arguments
from tests.opinfo import DTYPES, Backend

ALL = pytest.mark.parametrize(("kind", "options", "target"), CASES, ids=IDS)


def make_loss(kind: Any, options: dict[str, Any], dtype: Any, device: str, reduction: str) -> nn.Module:
    """The loss with its weights in that dtype and on that device."""
    given = {k: v.astype(dtype) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    return kind(**given, reduction=reduction).to(device)


def value_and_gradient(loss: Any, x: Any, y: Any, weight: Any, device: str) -> tuple[Any, Any]:
    value = loss(to_device(x, device), to_device(y, device), sample_weight=weight)
    shape, dtype = np.shape(value), x.dtype
    grads = np.arange(1.0, 1.0 + np.prod(shape, dtype=int)).astype(dtype).reshape(shape)
    grad = loss.backward(grads if loss.reduction == "none" else 2.5)
    assert is_gpu_array(value) == is_gpu_array(grad) == (device == "cuda")
    return to_host(value), to_host(grad)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@ALL
def test_same_as_on_the_cpu(
    backend: Backend, kind: Any, options: dict[str, Any], target: str, reduction: str, dtype: str
) -> None:
    x, y = arguments(target, np.dtype(dtype))
    weight = COPIES.astype(dtype)
    results = []
    for device in ("cpu", "cuda"):
        loss = make_loss(kind, options, dtype, device, reduction)
        results.append(value_and_gradient(loss, x, y, to_device(weight, device), device))
    rtol = 20 * np.finfo(dtype).eps
    for wanted, given in zip(*results, strict=True):
        assert np.asarray(given).dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(given, wanted, rtol=rtol, atol=rtol)


def test_weights_may_lie_on_the_host(backend: Backend) -> None:
    x, y = arguments("labels")
    loss = nn.CrossEntropyLoss()
    moved = value_and_gradient(loss, x, y, to_device(COPIES.astype(float), "cuda"), "cuda")
    given = value_and_gradient(loss, x, y, COPIES.tolist(), "cuda")
    for one, other in zip(moved, given, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(TypeError, match=r"expected weight to be a numpy.ndarray, got cupy.ndarray"):
        loss(x, y, sample_weight=to_device(COPIES.astype(float), "cuda"))


def test_grad_output_may_lie_on_either_side(backend: Backend) -> None:
    x, y = (to_device(a, "cuda") for a in arguments("values"))
    loss, scale = nn.MSELoss(reduction="none"), np.arange(24.0).reshape(6, 4)
    grads = []
    for given in (scale, to_device(scale, "cuda")):
        loss(x, y, sample_weight=COPIES)
        grads.append(to_host(loss.backward(given)))
    np.testing.assert_array_equal(*grads)
    np.testing.assert_allclose(grads[0], 2 * (to_host(x) - to_host(y)) * COPIES[:, np.newaxis] * scale)


def test_nothing_counts_nothing_is_learned(backend: Backend) -> None:
    x, y = arguments("labels", np.float32)
    loss = nn.CrossEntropyLoss()
    value, grad = value_and_gradient(loss, x, y, np.zeros(6), "cuda")
    assert value == 0.0
    np.testing.assert_array_equal(grad, np.zeros_like(x))


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (np.ones(5), ValueError, r"\[MSELoss\] expected sample_weight of shape \(6,\).* got \(5,\)"),
        (np.array(["a"] * 6), TypeError, r"\[MSELoss\] expected sample_weight of numbers, got <U1"),
    ],
)
def test_errors(backend: Backend, weight: Any, error: type[Exception], message: str) -> None:
    x = to_device(np.zeros((6, 4)), "cuda")
    with pytest.raises(error, match=message):
        nn.MSELoss()(x, x, sample_weight=weight)


@pytest.mark.parametrize("grad_output", [None, 2.5])
def test_a_weighted_step_can_be_captured(backend: Backend, grad_output: float | None) -> None:
    x, y = arguments("labels", np.float32)
    loss = make_loss(nn.CrossEntropyLoss, {"ignore_index": 1}, np.float32, "cuda", "mean")
    inputs = [to_device(a, "cuda") for a in (x, y, COPIES.astype(np.float32))]

    def step() -> Any:
        value = loss(*inputs[:2], sample_weight=inputs[2])
        return value, loss.backward(grad_output)

    wanted = [to_host(result) for result in step()]
    given = fastnn.cuda.graph(step)() if backend.name == "cuda" else HostCapture().call(step)
    for result, want in zip(given, wanted, strict=True):
        np.testing.assert_array_equal(to_host(result), want)


def problem() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(4)
    return rng.standard_normal((50, 6), np.float32), rng.integers(0, 3, 50), rng.integers(0, 4, 50)


def fitted(device: str, data: Any, reduction: str = "mean", **options: Any) -> list[float]:
    fastnn.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).to(device)
    optimizer = optim.SGD(model.parameters(), lr=0.1 if reduction == "mean" else 0.01)
    loss = nn.CrossEntropyLoss(reduction=reduction)
    history = train.fit(model, loss, optimizer, data, epochs=2, batch_size=16, progress=False, **options)
    return [value for name in ("loss", "val_loss") if name in history for value in history[name]]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("where", ["cpu", "cuda"])
def test_fit_with_weights(backend: Backend, where: str, reduction: str) -> None:
    """Of samples and of classes, in training and in validation, from arrays of either kind."""
    x, y, weight = problem()
    options = {"class_weight": {0: 2.0}, "validation": (x[:20], y[:20], weight[:20])}
    wanted = fitted("cpu", (x, y), reduction, sample_weight=weight, **options)
    data = to_device(x, where), to_device(y, where)
    given = fitted("cuda", data, reduction, sample_weight=to_device(weight, where), **options)
    np.testing.assert_allclose(given, wanted, rtol=1e-4)
    assert len(wanted) == 4
    assert wanted[0] != fitted("cpu", (x, y), reduction, **options)[0]


class Batches:
    """A loader of one's own that knows whether an epoch is under way."""

    under_way = False

    def __iter__(self) -> Any:
        x, y, weight = problem()
        self.under_way = True
        for i in range(0, 50, 10):
            yield x[i : i + 10], y[i : i + 10], weight[i : i + 10].tolist()
        self.under_way = False


def test_nobody_waits_for_weights_in_an_epoch(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    batches, read = Batches(), []

    def reading(array: Any) -> Any:
        read.append(batches.under_way)
        return to_host(array)

    wanted = fitted("cpu", Batches())
    monkeypatch.setattr(train.loop, "to_host", reading)
    np.testing.assert_allclose(fitted("cuda", batches), wanted, rtol=1e-4)
    assert len(read) == 2 * 5 * 2
    assert not any(read)
