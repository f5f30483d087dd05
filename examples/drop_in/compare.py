"""Train two programs written in NumPy, on their own kernels and on fastnn's: the same losses, other times.

    python examples/drop_in/compare.py

`mlp.py` and `cnn.py` are the programs, `naive.py` the kernels they had. Only the module of kernels and the
optimizer are exchanged; arrays stay NumPy's, and weights are updated where they lie.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import cnn
import mlp
import naive
import numpy as np
from naive import Array
from sklearn.datasets import load_digits

import fastnn.functional
from fastnn import nn, optim

BATCH, LR = 64, 1e-3


class Adam:
    """`fastnn.optim.Adam` with the interface of `naive.Adam`: one native call steps all arrays in place."""

    def __init__(self, weights: list[Array], lr: float) -> None:
        self.parameters = [nn.Parameter(w) for w in weights]
        self.inner = optim.Adam(self.parameters, lr=lr)

    def step(self, gradients: list[Array]) -> None:
        """Update the weights in place."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.inner.step()


KERNELS: dict[str, tuple[Any, Any]] = {"naive": (naive, naive.Adam), "fastnn": (fastnn.functional, Adam)}
PROGRAMS = {"mlp": mlp, "cnn": cnn}


def main(argv: Sequence[str] | None = None) -> int:
    """Train each program on both kernels in turn; print losses and times."""
    parser = argparse.ArgumentParser(description="Two NumPy programs on their own kernels and on fastnn's.")
    parser.add_argument("--steps", type=int, default=50, help="steps of training")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; the fastest counts")
    options = parser.parse_args(argv)
    print("program  dtype    first loss  last loss  difference   naive/step  fastnn/step  ratio")
    for name, program in PROGRAMS.items():
        for dtype in ("float32", "float64"):
            print(f"{name:<8} {dtype}  {row(program, dtype, options.steps, options.repeats)}", flush=True)
    return 0


def row(program: ModuleType, dtype: str, steps: int, repeats: int) -> str:
    """Losses and times of one program."""
    losses: dict[str, Array] = {}
    seconds = dict.fromkeys(KERNELS, np.inf)
    for _ in range(repeats):
        for kernels in KERNELS:
            losses[kernels], times = train(program, kernels, dtype, steps)
            seconds[kernels] = min(seconds[kernels], float(np.median(times)))
    ours, theirs = losses["fastnn"], losses["naive"]
    apart = f"{ours[0]:>10.4f} {ours[-1]:>10.4f} {np.abs(ours - theirs).max():>11.1e}"
    columns = "".join(f" {seconds[kernels] * 1e6:>9.0f} us" for kernels in KERNELS)
    return f"{apart} {columns}  {seconds['naive'] / seconds['fastnn']:>5.1f}"


def train(program: ModuleType, kernels: str, dtype: str, steps: int) -> tuple[Array, Array]:
    """Loss and seconds of each step."""
    F, optimizer = KERNELS[kernels]
    rng = np.random.default_rng(0)
    scans, labels = load_digits(return_X_y=True)
    scans = (scans / 16).astype(dtype)
    weights = program.make_weights(rng, dtype)
    adam = optimizer(weights, LR)
    losses, seconds = [], []
    for _ in range(steps):
        rows = rng.integers(len(scans), size=BATCH)
        began = time.perf_counter()
        loss, gradients = program.loss_and_gradients(F, weights, scans[rows], labels[rows])
        adam.step(gradients)
        seconds.append(time.perf_counter() - began)
        losses.append(loss)
    return np.array(losses), np.array(seconds)


if __name__ == "__main__":
    raise SystemExit(main())
