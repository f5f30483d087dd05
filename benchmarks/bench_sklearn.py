"""fastnn's MLPClassifier beside scikit-learn's, with equal parameters, on the handwritten digits.

Both are fitted in turn, several times; the figure is the median of the ratios. One thread each.

    python -m benchmarks.bench_sklearn
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn import neural_network
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

import fastnn
import fastnn.sklearn


def main(argv: Sequence[str] | None = None) -> int:
    """One line for each dtype."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=9, help="fits of each, in turn, after one to warm up")
    parser.add_argument("--epochs", type=int, default=60, help="passes over the 1347 training digits")
    options = parser.parse_args(argv)
    fastnn.set_num_threads(1)
    warnings.simplefilter("ignore")  # neither converges in so few epochs
    print("dtype     fastnn  scikit-learn  ratio  accuracy of both")
    with threadpool_limits(1):
        for dtype in (np.float64, np.float32):
            print(line(dtype, options.pairs, options.epochs), flush=True)
    return 0


def line(dtype: Any, pairs: int, epochs: int) -> str:
    """The medians of the seconds, of the ratios, and of the test accuracies."""
    x, y = load_digits(return_X_y=True)
    parts = train_test_split((x / 16).astype(dtype), y, random_state=0)
    results = []
    for seed in range(pairs + 1):
        ours = fitted(fastnn.sklearn.MLPClassifier(max_iter=epochs, random_state=seed), *parts)
        theirs = fitted(neural_network.MLPClassifier(max_iter=epochs, random_state=seed), *parts)
        results.append((ours[0], theirs[0], ours[0] / theirs[0], ours[1], theirs[1]))
    first, second, ratio, score, other = (
        statistics.median(column) for column in zip(*results[1:], strict=True)
    )
    return f"{np.dtype(dtype).name}  {first:6.3f} s {second:11.3f} s {ratio:6.2f}  {score:.3f} {other:.3f}"


def fitted(estimator: Any, x: Any, x_test: Any, y: Any, y_test: Any) -> tuple[float, float]:
    """Seconds of the fit, and the accuracy on test data."""
    began = time.perf_counter()
    estimator.fit(x, y)
    return time.perf_counter() - began, float(estimator.score(x_test, y_test))


if __name__ == "__main__":
    raise SystemExit(main())
