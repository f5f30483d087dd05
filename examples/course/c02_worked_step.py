"""C2. One step of gradient descent by hand: two samples, three weights, and a rate that is too large.

Seen: from 0, the step with rate 0.1 jumps over the minimum and the loss explodes; every rate below
2 / (largest eigenvalue of the Hessian) goes down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import panels, parse, save, table

from fastnn import analysis, nn, optim, train

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
Y = np.array([[6.0], [15.0]])
RATE = 0.1


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Do the step, then some more with several rates."""
    options = parse(__doc__, arguments)
    model, loss = at_zero(), nn.MSELoss()
    before = loss(model(X), Y)
    model.backward(loss.backward())
    gradient = np.concatenate([p.grad.ravel() for p in model.parameters() if p.grad is not None])
    optim.SGD(model.parameters(), lr=RATE).step()
    theta, after = model.weight.data[0], loss(model(X), Y)
    table(
        ("", "theta 1", "theta 2", "theta 3", "MSE"),
        [
            ("start", 0.0, 0.0, 0.0, f"{before:.6g}"),
            ("gradient", *gradient, ""),
            ("step", *theta, f"{after:.8g}"),
        ],
    )
    limit = 2 / analysis.sharpness(at_zero(), loss, (X, Y))
    rates = (RATE, 1.05 * limit, 0.95 * limit, 0.5 * limit)
    losses = {rate: run(rate) for rate in rates}
    print(f"the largest rate that does not explode: {limit:.5f}\n")
    table(("rate", "MSE after 10 updates"), [(f"{rate:.5f}", float(v[-1])) for rate, v in losses.items()])
    figure, (ax,) = panels(1, width=5.6, height=3.4)
    for rate, values in losses.items():
        ax.semilogy(values, ".-", label=f"rate {rate:.4f}")
    ax.set(xlabel="update", ylabel="MSE", title="The same start, four rates", ylim=(1e-3, 1e12))
    ax.legend(frameon=False)
    save(figure, options, __file__)
    return {
        "gradient": gradient.tolist(),
        "theta": theta.tolist(),
        "before": before,
        "after": after,
        "limit": limit,
        "last": {rate: float(values[-1]) for rate, values in losses.items()},
    }


def at_zero() -> nn.Linear:
    """Three weights, all 0."""
    model = nn.Linear(3, 1, bias=False, dtype=np.float64)
    model.weight.data.fill(0.0)
    return model


def run(rate: float) -> list[float]:
    """The loss at the start and after each of 10 updates."""
    model, loss = at_zero(), nn.MSELoss()
    start = loss(model(X), Y)
    optimizer = optim.SGD(model.parameters(), lr=rate)
    history = train.fit(model, loss, optimizer, (X, Y), validation=(X, Y), epochs=10, batch_size=2)
    return [start, *history["val_loss"]]


if __name__ == "__main__":
    main()
