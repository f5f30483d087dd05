"""C5. Activations: without them a deep net is one linear layer; with sigmoids its first layers stand still.

Seen: ten linear layers equal one to rounding; on the way back through ten sigmoids the gradient shrinks by
many powers of ten, through ten ReLUs it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from _common import BLUE, GREEN, RED, mlp, panels, parse, save, table

import fastnn
import fastnn.functional as F
from fastnn import analysis, nn

DEPTH, WIDTH = 10, 32
SHAPES: dict[str, Callable[[Any], Any]] = {
    "sigmoid": F.sigmoid,
    "tanh": F.tanh,
    "ReLU": F.relu,
    "hard sigmoid": F.hardsigmoid,
}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Compare a deep linear net with one layer; measure gradients layer by layer."""
    options = parse(__doc__, arguments)
    difference = linear_net_against_one_layer()
    print(f"ten linear layers against one: outputs differ by {difference:.1e} of the largest\n")
    norms = {"sigmoid": norms_of(nn.Sigmoid, "sigmoid"), "tanh": norms_of(nn.Tanh, "tanh")}
    norms["ReLU"] = norms_of(nn.ReLU, "relu")
    layers = range(1, DEPTH + 1)
    table(("gradient norm in layer", *layers), [(n, *(f"{v:.0e}" for v in norms[n])) for n in norms])
    figure, (left, right) = panels(2, width=4.4)
    x = np.linspace(-6, 6, 241)
    for name, function in SHAPES.items():
        left.plot(x, function(x), label=name)
    left.set(title="Activations", xlabel="x", ylim=(-1.2, 2.2))
    left.legend(frameon=False, fontsize=8)
    for (name, values), color in zip(norms.items(), (RED, GREEN, BLUE), strict=True):
        right.semilogy(layers, values, "o-", label=name, color=color)
    right.set(title=f"Gradients of a net of {DEPTH} layers", xlabel="layer, from the input", ylabel="norm")
    right.legend(frameon=False, fontsize=8)
    save(figure, options, __file__)
    return {"difference": difference, "first over last": {n: v[0] / v[-1] for n, v in norms.items()}}


def linear_net_against_one_layer() -> float:
    """How far ten layers in a row are from the product of their matrices, relative to the outputs."""
    fastnn.manual_seed(0)
    deep = nn.Sequential(*(nn.Linear(WIDTH, WIDTH, dtype=np.float64) for _ in range(DEPTH)))
    weight, bias = np.eye(WIDTH), np.zeros(WIDTH)
    for i in range(DEPTH):
        weight, bias = deep[i].weight.data @ weight, deep[i].weight.data @ bias + deep[i].bias.data
    x = np.random.default_rng(0).standard_normal((100, WIDTH))
    outputs = deep(x)
    return float(abs(outputs - F.linear(x, weight, bias)).max() / abs(outputs).max())


def norms_of(activation: Callable[[], nn.Module], nonlinearity: str) -> list[float]:
    """The gradient's norm in each layer of a net as it is at the start."""
    fastnn.manual_seed(0)
    model = mlp(*[WIDTH] * DEPTH, 10, activation=activation)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_uniform_(layer.weight.data, nonlinearity=nonlinearity)
    rng = np.random.default_rng(0)
    data = rng.standard_normal((200, WIDTH)), rng.integers(0, 10, 200)
    return list(analysis.gradient_norms(model, nn.CrossEntropyLoss(), data).values())


if __name__ == "__main__":
    main()
