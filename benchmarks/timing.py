"""Paired blocks: every pair times fastnn and its peer back to back, in turn first and second.

A neighbour's load, a warm chip or a slow minute then hits both halves of a pair alike, and the
median of the per-pair ratios holds still where the times themselves do not. A second fastnn worker
runs in the same rounds: its ratio to the first is what the machine's noise alone can produce.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

AGAIN = "fastnn again"
Block = Callable[[], float]


@dataclass(frozen=True)
class Spread:
    """The median of a sample and its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, sample: Sequence[float]) -> "Spread":
        if len(sample) < 2:
            return cls(sample[0], sample[0], sample[0])
        low, _, high = quantiles(sample, n=4, method="inclusive")
        return cls(median(sample), low, high)


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """The spread of the ratios of pairs, not the ratio of the spreads."""
    return Spread.of([a / b for a, b in zip(numerators, denominators, strict=True)])


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def rounds(labels: Sequence[str], pairs: int) -> Iterator[Sequence[str]]:
    """A B C, C B A, A B C, ...: nobody always runs first or after the same neighbour."""
    for index in range(pairs):
        yield labels if index % 2 == 0 else labels[::-1]


def measure(blocks: Mapping[str, Block], pairs: int) -> dict[str, list[float]]:
    """Seconds per call of every block of every worker, in the order of the pairs."""
    samples: dict[str, list[float]] = {label: [] for label in blocks}
    for labels in rounds(list(blocks), pairs):
        for label in labels:
            samples[label].append(blocks[label]())
    return samples


def iterations(run: Callable[[int], float], seconds: float) -> int:
    """How many calls fill a block of `seconds`; `run(n)` gives the time of n calls."""
    n = 1
    while (spent := run(n)) < seconds / 4:
        n *= 2 if spent == 0 else max(2, min(10, int(seconds / 2 / spent)))
    return max(1, round(n * seconds / spent))
