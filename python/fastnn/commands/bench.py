"""Time some operations and training steps on this machine, beside PyTorch and NumPy where there is a way.

Takes less than half a minute. The figures are medians over repetitions, in microseconds a call.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

import fastnn
import fastnn.functional as F
from fastnn import nn, optim

Work = Callable[[], object]
Row = tuple[str, dict[str, Work]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Time and threads."""
    parser.add_argument("--seconds", type=float, default=0.5, help="for each figure (default: 0.5)")
    parser.add_argument("--threads", type=int, help="of fastnn and PyTorch (default: all cores)")
    parser.add_argument("--no-torch", action="store_true", help="leave PyTorch out, where it is installed")


def run(options: argparse.Namespace) -> int:
    """Print a row as soon as it is measured."""
    torch = None if options.no_torch or not find_spec("torch") else __import__("torch")
    with fastnn.threads(options.threads or fastnn.get_num_threads()):
        if torch is not None:
            torch.set_num_threads(fastnn.get_num_threads())
        columns = ["fastnn", "numpy", *(["torch"] if torch is not None else [])]
        print(f"microseconds a call, float32, {fastnn.isa()}, {fastnn.get_num_threads()} threads")
        print(f"{'':<38}" + "".join(f"{name:>11}" for name in columns))
        for name, works in rows(torch):
            _progress(name)
            figures = {key: median_us(work, options.seconds) for key, work in works.items()}
            _progress("")
            cells = (f"{figures[key]:>11.1f}" if key in figures else f"{'':>11}" for key in columns)
            print(f"{name:<38}" + "".join(cells), flush=True)
    return 0


def _progress(text: str) -> None:
    """What is being measured, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


def median_us(work: Work, seconds: float) -> float:
    """The median microseconds of a call, after one to warm up; one call at least."""
    work()
    times: list[float] = []
    ends = time.perf_counter() + seconds
    while not times or time.perf_counter() < ends:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def rows(torch: Any) -> Iterator[Row]:
    """(name, the work of each library)."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype=np.float32)

    x, weight, bias = draw(128, 256), draw(256, 256), draw(256)
    yield _row("linear 128 x 256 -> 256", lambda: F.linear(x, weight, bias), lambda: x @ weight.T + bias,
               torch, lambda t: (t.nn.functional.linear, (x, weight, bias)))  # fmt: skip
    images, filters = draw(16, 16, 28, 28), draw(32, 16, 3, 3)
    padded: dict[str, Any] = {"padding": 1}
    yield _row("conv2d 16 x 16 x 28 x 28, 32 of 3 x 3", lambda: F.conv2d(images, filters, **padded), None,
               torch, lambda t: (lambda *a: t.conv2d(*a, **padded), (images, filters)))  # fmt: skip
    yield _row("max_pool2d 16 x 16 x 28 x 28, 2 x 2", lambda: F.max_pool2d(images, 2),
               lambda: images.reshape(16, 16, 14, 2, 14, 2).max(axis=(3, 5)),
               torch, lambda t: (lambda a: t.nn.functional.max_pool2d(a, 2), (images,)))  # fmt: skip
    yield _row("softmax 128 x 256", lambda: F.softmax(x, axis=1), lambda: _softmax(x),
               torch, lambda t: (lambda a: t.softmax(a, 1), (x,)))  # fmt: skip
    y = rng.integers(0, 10, 128)
    for batch in (1, 32, 128):
        yield _training(batch, x[:batch], y[:batch], torch)


def _row(name: str, ours: Work, numpy: Work | None, torch: Any, call: Callable[[Any], Any]) -> Row:
    works: dict[str, Work] = {"fastnn": ours}
    if numpy is not None:
        works["numpy"] = numpy
    if torch is not None:
        function, arrays = call(torch)
        tensors = [torch.from_numpy(array) for array in arrays]
        works["torch"] = lambda: function(*tensors)
    return name, works


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _training(batch: int, x: Any, y: Any, torch: Any) -> Row:
    """A step of a net with one hidden layer: forward, backward, Adam."""
    model = nn.Sequential(nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    loss, optimizer = nn.CrossEntropyLoss(), optim.Adam(model.parameters())

    def step() -> None:
        loss(model(x), y)
        optimizer.zero_grad()
        model.backward_parameters(loss.backward())
        optimizer.step()

    works: dict[str, Work] = {"fastnn": step}
    if torch is not None:
        works["torch"] = _torch_step(torch, torch.from_numpy(x), torch.from_numpy(y))
    return f"training step 256-128-10, batch {batch}", works


def _torch_step(torch: Any, x: Any, y: Any) -> Work:
    model = torch.nn.Sequential(torch.nn.Linear(256, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    loss, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters())

    def step() -> None:
        value = loss(model(x), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    return step
