"""Every operation against PyTorch, over random shapes and options; a failure names its configuration."""

from typing import Any

import numpy as np
import pytest
import torch

import fastnn.functional as F

TF = torch.nn.functional
DTYPES = ("float32", "float64")
CASES = 200


def tensor(a: np.ndarray, grad: bool = False) -> torch.Tensor:
    return torch.tensor(a.copy(), requires_grad=grad)


def close(actual: Any, wanted: torch.Tensor, dtype: str, context: object, factor: float = 64) -> None:
    """Both sides round: twice a reduction's error, in eps of the largest value."""
    w = wanted.detach().numpy()
    assert np.shape(actual) == w.shape, context
    finite = w[np.isfinite(w)]
    scale = 1 + (float(np.abs(finite).max()) if finite.size else 0.0)
    eps = factor * np.finfo(dtype).eps
    np.testing.assert_allclose(actual, w, rtol=eps, atol=eps * scale, err_msg=str(context), equal_nan=True)


def shape_of(rng: np.random.Generator, low: int, high: int, largest: int = 9) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(1, largest, rng.integers(low, high + 1)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_linear(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for case in range(CASES):
        lead, (K, N) = shape_of(rng, 0, 3), rng.integers(1, 40, 2)
        x, weight, bias, g = (
            rng.standard_normal(s).astype(dtype) for s in ((*lead, K), (N, K), (N,), (*lead, N))
        )
        biased, relu = bool(rng.integers(2)), bool(rng.integers(2))
        context = (case, lead, K, N, biased, relu)
        leaves = [tensor(a, grad=True) for a in (x, weight, bias)]
        y = TF.linear(leaves[0], leaves[1], leaves[2] if biased else None)
        y = torch.relu(y) if relu else y
        result = F.linear(x, weight, bias if biased else None, activation="relu" if relu else None)
        close(result, y, dtype, context)
        y.backward(tensor(g))
        grad = F.relu_backward(g, result) if relu else g
        for a, leaf in zip(F.linear_backward(grad, x, weight), leaves, strict=True):
            if leaf.grad is not None:
                close(a, leaf.grad, dtype, context)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["relu", "softmax", "log_softmax"])
def test_activations(name: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    for case in range(CASES):
        shape = shape_of(rng, 1, 4)
        axis = int(rng.integers(-len(shape), len(shape)))
        x, g = (rng.standard_normal(shape).astype(dtype) * 5 for _ in range(2))
        if case % 4 == 0:
            x.reshape(-1)[rng.integers(x.size)] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0])
        arguments = () if name == "relu" else (axis,)
        leaf = tensor(x, grad=True)
        wanted = getattr(TF, name)(leaf, *arguments)
        y = getattr(F, name)(x, *arguments)
        context = (name, case, shape, axis, x)
        close(y, wanted, dtype, context)
        wanted.backward(tensor(g))
        close(getattr(F, name + "_backward")(g, y, *arguments), leaf.grad, dtype, context)


def random_loss(rng: np.random.Generator, dtype: str) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    C = int(rng.integers(1, 12))
    lead, rest = shape_of(rng, 1, 1), shape_of(rng, 0, 2, 5)
    shape, positions = ((C,), ()) if rng.random() < 0.1 else ((*lead, C, *rest), (*lead, *rest))
    options: dict[str, Any] = {
        "reduction": str(rng.choice(["none", "mean", "sum"])),
        "label_smoothing": float(rng.choice([0.0, 0.1, 1.0])),
    }
    logits = (4 * rng.standard_normal(shape)).astype(dtype)
    if rng.random() < 0.3:
        target = rng.random(shape).astype(dtype)
    else:
        options["ignore_index"] = int(rng.choice([-100, 0, C - 1, 7]))
        ignored = rng.random(positions) < rng.choice([0.0, 0.3, 1.0])
        target = np.where(ignored, options["ignore_index"], rng.integers(0, C, positions))
    if rng.random() < 0.5:
        options["weight"] = rng.random(C).astype(dtype)
    return logits, target, options


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy(dtype: str) -> None:
    rng = np.random.default_rng(2)
    for case in range(2 * CASES):
        logits, target, options = random_loss(rng, dtype)
        context = (case, logits.shape, target.shape, target.dtype, options)
        leaf = tensor(logits, grad=True)
        weight = options.pop("weight", None)
        weights = None if weight is None else tensor(weight)
        wanted = TF.cross_entropy(leaf, tensor(target), weights, **options)
        loss, grad = F.cross_entropy_with_grad(logits, target, weight, **options)
        close(loss, wanted, dtype, context)
        close(F.cross_entropy(logits, target, weight, **options), wanted, dtype, context)
        wanted.sum().backward()
        close(grad, leaf.grad, dtype, context)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
def test_dropout_of_special_values(p: float, dtype: str) -> None:
    """The masks differ; what a dropped or a kept element turns into does not."""
    x = np.array([np.nan, np.inf, -np.inf, -0.0, 3.0] * 200, dtype)
    wanted = TF.dropout(tensor(x), p).numpy()
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
        TF.cross_entropy(tensor(logits), tensor(target))
