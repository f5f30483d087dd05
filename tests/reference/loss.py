"""Losses and their gradients by the input, from the definitions.

A function of pairs (x, t) gives the loss and its derivative of every element; `labelled` ones take scores of
shape (N, C), (C,) or (N, C, d1, ...) and labels.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pair = tuple[Array, Array]


def sign(d: Array) -> Array:
    """Of NaN it is 0, as PyTorch has it."""
    return (d > 0).astype(np.float64) - (d < 0)


def mse_loss(x: Array, t: Array) -> Pair:
    return (x - t) ** 2, 2 * (x - t)


def l1_loss(x: Array, t: Array) -> Pair:
    return np.abs(x - t), sign(x - t)


def huber_loss(x: Array, t: Array, delta: float = 1.0) -> Pair:
    d = x - t
    loss = np.where(np.abs(d) < delta, d**2 / 2, delta * (np.abs(d) - delta / 2))
    return loss, np.where(np.abs(d) > delta, delta * sign(d), d)


def smooth_l1_loss(x: Array, t: Array, beta: float = 1.0) -> Pair:
    if beta == 0:
        return l1_loss(x, t)
    loss, slope = huber_loss(x, t, beta)
    return loss / beta, slope / beta


def softplus(x: Array) -> Array:
    """log(1 + exp(x))."""
    return np.logaddexp(0, x)


def sigmoid(x: Array) -> Array:
    return np.exp(-softplus(-x))


def binary_cross_entropy_with_logits(x: Array, t: Array, weight: Any = 1.0, pos_weight: Any = 1.0) -> Pair:
    w, p = np.asarray(weight, dtype=np.float64), np.asarray(pos_weight, dtype=np.float64)
    loss = (1 - t) * softplus(x) + p * t * softplus(-x)
    return loss * w, ((1 - t) * sigmoid(x) - p * t * sigmoid(-x)) * w


def hinge_loss(x: Array, t: Array) -> Pair:
    t = np.where(t == 1, 1.0, -1.0)
    slack = 1 - t * x
    return np.where(slack < 0, 0.0, slack), np.where(slack <= 0, 0.0, -t)


POINTWISE: dict[str, Callable[..., Pair]] = {
    function.__name__: function
    for function in (
        mse_loss,
        l1_loss,
        huber_loss,
        smooth_l1_loss,
        binary_cross_entropy_with_logits,
        hinge_loss,
    )
}


def reduced(losses: Array, grad: Array, reduction: str, divisor: float) -> tuple[Any, Array]:
    """The value and the gradient of it, of the sum of the losses for "none"."""
    with np.errstate(all="ignore"):
        if reduction == "mean":
            return np.divide(losses.sum(), divisor), grad / divisor
        return losses if reduction == "none" else losses.sum(), grad


def pointwise(
    name: str, input: NDArray, target: NDArray, reduction: str = "mean", **options: Any
) -> tuple[Any, Array]:
    x, t = np.asarray(input, dtype=np.float64), np.asarray(target, dtype=np.float64)
    with np.errstate(all="ignore"):
        losses, grad = POINTWISE[name](x, t, **options)
    return reduced(np.asarray(losses), np.asarray(grad), reduction, float(x.size))


def positions(input: NDArray) -> Array:
    """Scores as (positions, C)."""
    x = np.asarray(input, dtype=np.float64)
    return x[np.newaxis] if x.ndim == 1 else np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def restored(rows: Array, shape: tuple[int, ...]) -> Array:
    """(positions, C) in the shape of the scores."""
    if len(shape) == 1:
        return rows.reshape(shape)
    return np.moveaxis(rows.reshape(shape[0], *shape[2:], shape[1]), -1, 1)


def nll_loss(
    input: NDArray,
    target: NDArray,
    weight: NDArray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[Any, Array]:
    """-w_y x_y; the mean divides by the sum of the weights used."""
    x, labels = positions(input), target.reshape(-1)
    w = np.ones(x.shape[1]) if weight is None else np.asarray(weight, dtype=np.float64)
    losses, grad = np.zeros(len(labels)), np.zeros_like(x)
    rows = np.flatnonzero(labels != ignore_index)
    used = labels[rows]
    losses[rows], grad[rows, used] = -w[used] * x[rows, used], -w[used]
    divisor = float(w[used].sum())
    return reduced(losses.reshape(target.shape), restored(grad, input.shape), reduction, divisor)


def multi_margin_loss(
    input: NDArray,
    target: NDArray,
    weight: NDArray | None = None,
    p: int = 1,
    margin: float = 1.0,
    reduction: str = "mean",
) -> tuple[Any, Array]:
    """w_y / C sum over c != y of max(0, margin - x_y + x_c)^p."""
    x, labels = positions(input), target.reshape(-1)
    rows, C = np.arange(len(labels)), x.shape[1]
    w = np.ones(C) if weight is None else np.asarray(weight, dtype=np.float64)
    others = np.arange(C) != labels[:, np.newaxis]
    factor = w[labels] / C
    with np.errstate(all="ignore"):
        slack = margin - x[rows, labels][:, np.newaxis] + x
        h = np.where(slack <= 0, 0.0, slack)
        slope = np.where(slack <= 0, 0.0, 1.0) if p == 1 else 2 * h
        losses = factor * np.where(others, h**p, 0.0).sum(axis=1)
        grad = factor[:, np.newaxis] * np.where(others, slope, 0.0)
        grad[rows, labels] = -grad.sum(axis=1)
    return reduced(losses.reshape(target.shape), restored(grad, input.shape), reduction, float(len(labels)))


def weighted_loss(
    losses: NDArray, weight: NDArray, shares: NDArray | None = None, reduction: str = "mean"
) -> tuple[Any, Array]:
    """The losses, each times the weight of its sample, and what the samples' gradients are multiplied by."""
    w = np.asarray(weight, dtype=np.float64)
    by_row = w.reshape(-1, *(1,) * (losses.ndim - 1))
    with np.errstate(all="ignore"):
        single = np.asarray(losses, dtype=np.float64) * by_row
        if reduction != "mean":
            return single if reduction == "none" else single.sum(), w
        divisor = (np.ones(losses.shape) * by_row if shares is None else shares * by_row).sum()
        if divisor == 0:
            return 0.0, np.zeros_like(w)
        return single.sum() / divisor, w / divisor


def scale(x: NDArray, factor: NDArray) -> Array:
    """The product; factor may lack the axis 1 of x, or have its axis 0 alone, or none."""
    a, f = np.asarray(x, dtype=np.float64), np.asarray(factor, dtype=np.float64)
    if f.ndim == a.ndim - 1 and f.shape == (*a.shape[:1], *a.shape[2:]):
        f = np.expand_dims(f, 1)
    elif f.ndim == 1 and f.shape == a.shape[:1]:
        f = f.reshape(-1, *(1,) * (a.ndim - 1))
    with np.errstate(all="ignore"):
        return a * f
