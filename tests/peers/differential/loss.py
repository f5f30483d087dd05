"""Losses, as functions and as modules, in all their options."""

from typing import Any

import numpy as np
import torch
from numpy.random import Generator

import fastnn.functional as F
from fastnn import nn
from tests.peers.differential.case import Case, Results

TF = torch.nn.functional
REDUCTIONS = ("mean", "sum", "none")
PLAIN = {
    "mse_loss": ("MSELoss", None),
    "l1_loss": ("L1Loss", None),
    "huber_loss": ("HuberLoss", "delta"),
    "smooth_l1_loss": ("SmoothL1Loss", "beta"),
}


def shape_of(rng: Generator, low: int = 0, high: int = 4) -> tuple[int, ...]:
    shape = [int(n) for n in rng.integers(1, 9, rng.integers(low, high + 1))]
    if shape and rng.random() < 0.3:
        shape[-1] = int(rng.integers(1, 70))
    return tuple(shape)


def tensor(a: Any) -> Any:
    return torch.tensor(a.copy()) if isinstance(a, np.ndarray) else a


def tensors(options: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor(value) for name, value in options.items()}


def case(
    rng: Generator,
    dtype: str,
    names: tuple[str, str],
    arrays: tuple[np.ndarray, ...],
    options: dict[str, Any],
) -> Case:
    """The function called names[0], and the module called names[1] with the same options."""
    function, module = names
    x, target = arrays
    options["reduction"] = str(rng.choice(REDUCTIONS))
    label = f"{function}({x.shape}, {target.shape} {target.dtype}, {shown(options)})"

    def ours() -> Results:
        loss, grad = getattr(F, f"{function}_with_grad")(x, target, **options)
        layer = getattr(nn, module)(**options)
        value = layer(x, target)
        scale = scale_of(np.shape(value))
        return {
            "loss": getattr(F, function)(x, target, **options),
            "loss with grad": loss,
            "grad": grad,
            "value": value,
            "scaled grad": layer.backward(scale),
            "eval": layer.eval()(x, target),
            **layer.state_dict(),
        }

    def theirs() -> Results:
        leaf = torch.tensor(x.copy(), requires_grad=True)
        t, theirs_options = torch.tensor(target.copy()), tensors(options)
        loss = getattr(TF, function)(leaf, t, **theirs_options)
        (grad,) = torch.autograd.grad(loss.sum(), leaf, retain_graph=True)
        layer = getattr(torch.nn, module)(**theirs_options)
        value = layer(leaf, t)
        scale = torch.tensor(scale_of(tuple(value.shape)), dtype=leaf.dtype)
        (scaled,) = torch.autograd.grad(value, leaf, scale)
        results = dict.fromkeys(("loss", "loss with grad", "value", "eval"), loss)
        return results | {"grad": grad, "scaled grad": scaled, **layer.state_dict()}

    seed = int(rng.integers(2**31))

    def scale_of(shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(np.random.default_rng(seed).standard_normal(shape)).astype(dtype)

    return Case(label, dtype, ours, theirs)


def shown(options: dict[str, Any]) -> str:
    parts = {name: value.shape if isinstance(value, np.ndarray) else value for name, value in options.items()}
    return ", ".join(f"{name}={part}" for name, part in parts.items() if part is not None)


def draw_regression(rng: Generator, dtype: str) -> Case:
    name = str(rng.choice(list(PLAIN)))
    module, parameter = PLAIN[name]
    shape = shape_of(rng)
    x, target = (np.asarray(2 * rng.standard_normal(shape)).astype(dtype) for _ in range(2))
    options: dict[str, Any] = {}
    if parameter:
        options[parameter] = float(rng.uniform(0.1, 3)) if rng.random() < 0.8 else 1.0
    if name == "smooth_l1_loss" and rng.random() < 0.15:
        options["beta"] = 0.0
    return case(rng, dtype, (name, module), (x, target), options)


def broadcastable(rng: Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray | None:
    """A weight of the last axes of shape, with some of them of length 1; or none."""
    if rng.random() < 0.4:
        return None
    kept = shape[int(rng.integers(len(shape) + 1)) :]
    return np.asarray(rng.random([n if rng.random() < 0.7 else 1 for n in kept]) + 0.2).astype(dtype)


def draw_binary_cross_entropy(rng: Generator, dtype: str) -> Case:
    shape = shape_of(rng)
    x = np.asarray(4 * rng.standard_normal(shape)).astype(dtype)
    target = np.asarray(rng.random(shape) if rng.random() < 0.5 else rng.integers(0, 2, shape)).astype(dtype)
    options = {name: broadcastable(rng, shape, dtype) for name in ("weight", "pos_weight")}
    names = ("binary_cross_entropy_with_logits", "BCEWithLogitsLoss")
    return case(rng, dtype, names, (x, target), options)


def class_weight(rng: Generator, classes: int, dtype: str) -> np.ndarray | None:
    return None if rng.random() < 0.5 else (rng.random(classes) + 0.2).astype(dtype)


def labels_for(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    classes = shape[1 if len(shape) > 1 else 0]
    return np.asarray(rng.integers(0, classes, shape[:1] + shape[2:] if len(shape) > 1 else ()))


def draw_nll(rng: Generator, dtype: str) -> Case:
    shape = shape_of(rng, 1, 4)
    x, target = rng.standard_normal(shape).astype(dtype), labels_for(rng, shape)
    options: dict[str, Any] = {"weight": class_weight(rng, shape[len(shape) > 1], dtype)}
    if rng.random() < 0.5:
        options["ignore_index"] = int(rng.choice([-100, -1, 0, 2]))
        target = np.where(rng.random(target.shape) < 0.2, options["ignore_index"], target)
    return case(rng, dtype, ("nll_loss", "NLLLoss"), (x, target), options)


def draw_multi_margin(rng: Generator, dtype: str) -> Case:
    shape = shape_of(rng, 1, 2)
    x, target = rng.standard_normal(shape).astype(dtype), labels_for(rng, shape)
    options = {
        "p": int(rng.integers(1, 3)),
        "margin": float(rng.choice([1.0, 0.3, 2.5, -0.5])),
        "weight": class_weight(rng, shape[-1], dtype),
    }
    return case(rng, dtype, ("multi_margin_loss", "MultiMarginLoss"), (x, target), options)


def draw_cross_entropy(rng: Generator, dtype: str) -> Case:
    shape = shape_of(rng, 1, 4)
    x, target = 3 * rng.standard_normal(shape).astype(dtype), labels_for(rng, shape)
    axis = int(len(shape) > 1)
    options: dict[str, Any] = {"weight": class_weight(rng, shape[axis], dtype)}
    if rng.random() < 0.6:
        options["label_smoothing"] = float(rng.uniform(0, 1))
    if rng.random() < 0.5:
        target = rng.random(shape) + 0.05
        target = (target / target.sum(axis=axis, keepdims=True)).astype(dtype)
    elif rng.random() < 0.5:
        options["ignore_index"] = int(rng.choice([-100, -1, 0, 2]))
        target = np.where(rng.random(target.shape) < 0.2, options["ignore_index"], target)
    return case(rng, dtype, ("cross_entropy", "CrossEntropyLoss"), (x, target), options)


def draw_hinge(rng: Generator, dtype: str) -> Case:
    """PyTorch has no such loss, so its side is the definition, differentiated by autograd."""
    shape, reduction = shape_of(rng), str(rng.choice(REDUCTIONS))
    x, signs = 2 * rng.standard_normal(shape), rng.integers(0, 2, shape) * 2 - 1
    x = np.asarray(x).astype(dtype)
    target = np.asarray((signs + 1) // 2 if rng.random() < 0.5 else signs)
    target = target.astype(str(rng.choice([dtype, "int32", "int64"])))

    def ours() -> Results:
        loss, grad = F.hinge_loss_with_grad(x, target, reduction=reduction)
        layer = nn.HingeLoss(reduction).eval()
        return {"loss": loss, "grad": grad, "value": layer(x, target)}

    def theirs() -> Results:
        leaf = torch.tensor(x.copy(), requires_grad=True)
        losses = torch.clamp_min(1 - torch.tensor(np.asarray(signs)) * leaf, 0)
        loss = losses if reduction == "none" else getattr(losses, reduction)()
        (grad,) = torch.autograd.grad(loss.sum(), leaf)
        return {"loss": loss, "grad": grad, "value": loss}

    return Case(f"hinge_loss({shape}, {target.dtype}, {reduction})", dtype, ours, theirs)


DRAWS = (
    draw_regression,
    draw_binary_cross_entropy,
    draw_hinge,
    draw_nll,
    draw_multi_margin,
    draw_cross_entropy,
)
