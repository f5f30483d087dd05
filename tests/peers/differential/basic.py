"""Linear maps, rectifier, softmax, cross-entropy, and steps of small networks."""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.random import Generator

import fastnn.functional as F
from fastnn import nn, optim
from tests.peers.differential.case import Case, Results

TF = torch.nn.functional


def flag(rng: Generator) -> bool:
    return bool(rng.integers(2))


def shape_of(rng: Generator, low: int, high: int, largest: int = 9) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(1, largest, rng.integers(low, high + 1)))


def normal(rng: Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return np.asarray(rng.standard_normal(shape)).astype(dtype)


def leaf(a: np.ndarray) -> torch.Tensor:
    return torch.tensor(a.copy(), requires_grad=True)


def draw_linear(rng: Generator, dtype: str) -> Case:
    lead, (K, N) = shape_of(rng, 0, 3), (int(n) for n in rng.integers(1, 80, 2))
    x, weight, bias, g = (normal(rng, s, dtype) for s in ((*lead, K), (N, K), (N,), (*lead, N)))
    biased, relu = flag(rng), flag(rng)

    def ours() -> Results:
        y = F.linear(x, weight, bias if biased else None, activation="relu" if relu else None)
        grads = F.linear_backward(F.relu_backward(g, y) if relu else g, x, weight)
        return dict(zip(("y", "grad_x", "grad_weight", "grad_bias"), (y, *grads), strict=True))

    def theirs() -> Results:
        leaves = [leaf(a) for a in (x, weight, bias)]
        y = TF.linear(*leaves) if biased else TF.linear(*leaves[:2])
        y = torch.relu(y) if relu else y
        y.backward(torch.tensor(g))
        # The gradient by a bias that is not there is the same sum.
        last = (
            leaves[2].grad if biased else torch.where(y > 0, torch.tensor(g), 0) if relu else torch.tensor(g)
        )
        grad_bias = last if biased else last.reshape(-1, N).sum(0)
        return {"y": y, "grad_x": leaves[0].grad, "grad_weight": leaves[1].grad, "grad_bias": grad_bias}

    return Case(f"linear({x.shape}, {weight.shape}, bias={biased}, relu={relu})", dtype, ours, theirs)


def with_special_values(rng: Generator, x: np.ndarray) -> np.ndarray:
    """In a quarter of the cases one of them."""
    if rng.random() < 0.25:
        x.reshape(-1)[rng.integers(x.size)] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0])
    return x


def draw_softmax(rng: Generator, dtype: str) -> Case:
    """relu, softmax and log_softmax."""
    name = str(rng.choice(["relu", "softmax", "log_softmax"]))
    shape = shape_of(rng, 1, 4)
    if rng.random() < 0.3:
        shape = (*shape[:-1], int(rng.integers(1, 300)))
    axis = int(rng.integers(-len(shape), len(shape)))
    x, g = with_special_values(rng, 5 * normal(rng, shape, dtype)), normal(rng, shape, dtype)
    arguments = () if name == "relu" else (axis,)

    def ours() -> Results:
        y = getattr(F, name)(x, *arguments)
        return {"y": y, "grad_x": getattr(F, f"{name}_backward")(g, y, *arguments)}

    def theirs() -> Results:
        given = leaf(x)
        y = getattr(TF, name)(given, *arguments)
        y.backward(torch.tensor(g))
        return {"y": y, "grad_x": given.grad}

    return Case(f"{name}({shape}, axis={axis}), x={x if x.size < 20 else '...'}", dtype, ours, theirs)


def draw_cross_entropy(rng: Generator, dtype: str) -> Case:
    C = int(rng.integers(1, 40))
    lead, rest = shape_of(rng, 1, 1), shape_of(rng, 0, 2, 5)
    shape, positions = ((C,), ()) if rng.random() < 0.1 else ((*lead, C, *rest), (*lead, *rest))
    options: dict[str, Any] = {
        "reduction": str(rng.choice(["none", "mean", "sum"])),
        "label_smoothing": float(rng.choice([0.0, 0.1, 1.0])),
    }
    logits = 4 * normal(rng, shape, dtype)
    if rng.random() < 0.3:
        target = rng.random(shape).astype(dtype)
    else:
        options["ignore_index"] = int(rng.choice([-100, -1, 0, C - 1, 7]))
        ignored = rng.random(positions) < rng.choice([0.0, 0.3, 1.0])
        target = np.where(ignored, options["ignore_index"], rng.integers(0, C, positions))
    weight = rng.random(C).astype(dtype) if flag(rng) else None
    scale = normal(rng, positions if options["reduction"] == "none" else (), dtype)

    def ours() -> Results:
        loss, grad = F.cross_entropy_with_grad(logits, target, weight, **options)
        module = nn.CrossEntropyLoss(weight, **options)
        value = module(logits, target)
        return {
            "loss": F.cross_entropy(logits, target, weight, **options),
            "loss with grad": loss,
            "grad": grad,
            "module": value,
            "scaled grad": module.backward(scale),
            "in eval": module.eval()(logits, target),
        }

    def theirs() -> Results:
        given, weights = leaf(logits), None if weight is None else torch.tensor(weight)
        loss = TF.cross_entropy(given, torch.tensor(target), weights, **options)
        (grad,) = torch.autograd.grad(loss.sum(), given, retain_graph=True)
        (scaled,) = torch.autograd.grad(loss, given, torch.tensor(scale))
        losses = dict.fromkeys(("loss", "loss with grad", "module", "in eval"), loss)
        return {**losses, "grad": grad, "scaled grad": scaled}

    label = f"cross_entropy({shape}, {target.shape} {target.dtype}, weight={weight is not None}, {options})"
    return Case(label, dtype, ours, theirs)


def draw_linear_layer(rng: Generator, dtype: str) -> Case:
    """Two backwards without zero_grad between them: gradients add up."""
    K, N, bias = int(rng.integers(1, 60)), int(rng.integers(1, 60)), flag(rng)
    lead = shape_of(rng, 1, 3)
    xs, gs = ([normal(rng, (*lead, n), dtype) for _ in range(2)] for n in (K, N))
    theirs_layer = torch.nn.Linear(K, N, bias).to(getattr(torch, dtype))
    state = {name: normal(rng, tuple(p.shape), dtype) for name, p in theirs_layer.state_dict().items()}

    def ours() -> Results:
        layer = nn.Linear(K, N, bias, dtype=dtype)
        layer.load_state_dict(state)
        results: dict[str, Any] = {}
        for i, (x, g) in enumerate(zip(xs, gs, strict=True)):
            results |= {f"y {i}": layer(x), f"grad_x {i}": layer.backward(g)}
        grads = {f"grad {name}": p.grad for name, p in layer.named_parameters()}
        return {**results, **grads, **layer.state_dict(), "in eval": layer.eval()(xs[0])}

    def theirs() -> Results:
        layer, results = theirs_layer, {}
        layer.load_state_dict({name: torch.tensor(a) for name, a in state.items()})
        layer.zero_grad()
        for i, (x, g) in enumerate(zip(xs, gs, strict=True)):
            given = leaf(x)
            y = layer(given)
            y.backward(torch.tensor(g))
            results |= {f"y {i}": y, f"grad_x {i}": given.grad}
        grads = {f"grad {name}": p.grad for name, p in layer.named_parameters()}
        return {**results, **grads, **layer.state_dict(), "in eval": layer(torch.tensor(xs[0]))}

    return Case(f"Linear({K}, {N}, bias={bias}), x of {(*lead, K)} twice", dtype, ours, theirs)


OPTIMIZERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
    # A large eps: where a gradient is all rounding error, Adam's step would be the quotient of two such.
    ("Adam", {"lr": 0.01, "eps": 1e-3, "weight_decay": 1e-3}),
    ("AdamW", {"lr": 0.01, "eps": 1e-3, "amsgrad": True}),
)


def draw_mlp_steps(rng: Generator, dtype: str) -> Case:
    """Training steps of a perceptron on images, from one state_dict: losses, gradients, weights."""
    plane = tuple(int(n) for n in rng.integers(1, 6, 2))
    widths = [plane[0] * plane[1], *(int(n) for n in rng.integers(2, 40, rng.integers(0, 3))), 5]
    N, steps = int(rng.integers(1, 20)), int(rng.integers(1, 5))
    name, options = OPTIMIZERS[rng.integers(len(OPTIMIZERS))]
    batches = [(normal(rng, (N, *plane), dtype), rng.integers(0, 5, N)) for _ in range(steps)]

    def layers(module: Any, **kind: Any) -> list[Any]:
        made = [module.Flatten()]
        for i, (K, width) in enumerate(pairwise(widths)):
            made += [module.ReLU()] * (i > 0) + [module.Linear(K, width, **kind)]
        return made

    reference = torch.nn.Sequential(*layers(torch.nn)).to(getattr(torch, dtype))
    state = {key: normal(rng, tuple(p.shape), dtype) / 3 for key, p in reference.state_dict().items()}

    def ours() -> Results:
        model, criterion, results = nn.Sequential(*layers(nn, dtype=dtype)), nn.CrossEntropyLoss(), {}
        model.load_state_dict(state)
        optimizer = getattr(optim, name)(model.parameters(), **options)
        for i, (x, target) in enumerate(batches):
            optimizer.zero_grad()
            results[f"loss {i}"] = criterion(model(x), target)
            results[f"grad_x {i}"] = model.backward(criterion.backward())
            optimizer.step()
        grads = {f"grad {key}": p.grad for key, p in model.named_parameters()}
        return {**results, **grads, **model.state_dict()}

    def theirs() -> Results:
        results = {}
        reference.load_state_dict({key: torch.tensor(a) for key, a in state.items()})
        optimizer = getattr(torch.optim, name)(reference.parameters(), **options)
        for i, (x, target) in enumerate(batches):
            given = leaf(x)
            optimizer.zero_grad()
            loss = TF.cross_entropy(reference(given), torch.tensor(target))
            loss.backward()
            optimizer.step()
            results |= {f"loss {i}": loss, f"grad_x {i}": given.grad}
        grads = {f"grad {key}": p.grad for key, p in reference.named_parameters()}
        return {**results, **grads, **reference.state_dict()}

    return Case(f"MLP {widths}, {steps} steps of {N} with {name}({options})", dtype, ours, theirs)


DRAWS = (draw_linear, draw_softmax, draw_cross_entropy, draw_linear_layer, draw_mlp_steps)
