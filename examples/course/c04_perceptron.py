"""C4. A perceptron draws one straight line: AND, OR and NOT, but not XOR, for which it takes two layers.

Seen: one layer gets at most three of XOR's four corners right, two layers all of them; a layer of several
neurons tells three groups apart by its largest output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import Array, mlp, panels, parse, save, table

import fastnn
from fastnn import nn, optim, train

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {"AND": [-1, -1, -1, 1], "OR": [-1, 1, 1, 1], "NOT x1": [1, 1, -1, -1], "XOR": [-1, 1, 1, -1]}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Train a perceptron on each gate, two layers on XOR, and a layer on three groups."""
    options = parse(__doc__, arguments)
    models = {name: fit_gate(mlp(2, 1), name) for name in GATES}
    models["XOR, two layers"] = fit_gate(mlp(2, 4, 1, activation=nn.Tanh), "XOR")
    right = {name: corners_right(model, name) for name, model in models.items()}
    table(("function", "corners right"), [(name, f"{n} of 4") for name, n in right.items()])
    points, labels = groups()
    layer = fit_groups(points, labels)
    accuracy = float((train.predict(layer, points).argmax(axis=1) == labels).mean())
    print(f"three groups by the largest of three outputs: {accuracy:.1%} right\n")
    figure, axes = panels(6, width=2.2, height=2.5)
    for ax, (name, model) in zip(axes, models.items(), strict=False):
        targets = np.array(GATES[name.partition(",")[0]])
        draw(ax, name, CORNERS, targets > 0, lambda grid, m=model: train.predict(m, grid)[:, 0] > 0)
    draw(axes[-1], "three groups", points, labels, lambda grid: train.predict(layer, grid).argmax(axis=1))
    save(figure, options, __file__)
    return {"right": right, "groups": accuracy}


def fit_gate(model: nn.Module, name: str) -> nn.Module:
    """Train with the hinge loss; the sign of the output is the answer."""
    targets = np.array(GATES[name.partition(",")[0]])[:, None]
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    train.fit(model, nn.HingeLoss(), optimizer, (CORNERS, targets), epochs=300, batch_size=4)
    return model


def corners_right(model: nn.Module, name: str) -> int:
    """How many of the four answers have the right sign."""
    answers = train.predict(model, CORNERS)[:, 0] > 0
    return int((answers == (np.array(GATES[name.partition(",")[0]]) > 0)).sum())


def groups() -> tuple[Array, Array]:
    """Points around three places, and the number of the place."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    places = np.array([[0.1, 0.2], [0.9, 0.2], [0.5, 0.9]])
    return places[labels] + rng.normal(0, 0.12, (120, 2)), labels


def fit_groups(points: Array, labels: Array) -> nn.Module:
    """One layer, one neuron a group."""
    fastnn.manual_seed(0)
    layer = nn.Linear(2, 3)
    optimizer = optim.Adam(layer.parameters(), lr=0.1)
    train.fit(layer, nn.MultiMarginLoss(), optimizer, (points, labels), epochs=60)
    return layer


def draw(ax: Any, title: str, points: Array, labels: Array, answer: Any) -> None:
    """The answers over the plane, and the points."""
    line = np.linspace(-0.3, 1.3, 120)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    found = np.asarray(answer(grid)).reshape(120, 120).astype(float)
    extent = (-0.3, 1.3, -0.3, 1.3)
    style: Any = {"cmap": "coolwarm", "vmin": -0.5, "vmax": max(1.5, float(np.max(labels)) + 0.5)}
    ax.imshow(found, origin="lower", extent=extent, alpha=0.5, **style)
    ax.scatter(
        *points.T, c=labels.astype(float), edgecolors="black", s=40 if len(points) == 4 else 14, **style
    )
    ax.set(title=title, xticks=[0, 1], yticks=[0, 1])


if __name__ == "__main__":
    main()
