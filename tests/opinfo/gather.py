"""The row of gather."""

import numpy as np
from numpy.random import Generator

from tests.opinfo.base import TAILS, Array, Arrays, Backend, ErrorCase, Function, Sample, f32, wrong
from tests.reference import gather as reference


def make(rng: Generator, shape: tuple[int, ...], count: int) -> Sample:
    return Sample({"x": rng.standard_normal(shape), "indices": rng.integers(0, max(shape[0], 1), count)})


def samples(rng: Generator) -> list[Sample]:
    made = [make(rng, (7, t), 5) for t in TAILS] + [make(rng, (t,), 9) for t in TAILS]
    made += [make(rng, shape, 6) for shape in ((4, 2, 3), (3, 1, 2, 2), (4, 0))]
    return [*made, make(rng, (4, 3), 0), make(rng, (0, 3), 0)]


def large(rng: Generator) -> list[Sample]:
    return [make(rng, (5000, 64), 4001), make(rng, (300, 2000), 300), make(rng, (1000,), 500_000)]


def run(backend: Backend, sample: Sample, out: Arrays | None) -> Arrays:
    a = sample.arrays
    return (backend.core.gather(a["x"], a["indices"], None if out is None else out[0]),)


def index(*values: int) -> Array:
    return np.array(values, dtype=np.int64)


def index_error(label: str, rows: int, position: int, value: int) -> ErrorCase:
    indices = index(*([0] * position), value)
    match = rf"indices in \[0, {rows}\), got {value} at position {position}"
    return wrong("gather", label, (f32(rows, 2), indices, None), IndexError, match)


ERRORS = (
    index_error("index past the end", 3, 1, 3),
    index_error("index below 0", 3, 2, -1),
    index_error("index of INT64_MIN", 3, 0, -(2**63)),
    index_error("index of INT64_MAX", 3, 0, 2**63 - 1),
    index_error("index into nothing", 0, 0, 0),
    wrong(
        "gather", "indices 2-d", (f32(3, 2), index(0).reshape(1, 1), None), ValueError, r"indices.*\(1, 1\)"
    ),
    wrong("gather", "indices of floats", (f32(3, 2), f32(2), None), TypeError, r"indices.*int64.*float32"),
    wrong("gather", "x 0-d", (f32(), index(0), None), ValueError, r"x.*\(\)"),
    wrong("gather", "x of objects", (np.array([None, 1]), index(0), None), TypeError, r"x.*object"),
    wrong(
        "gather",
        "out of another shape",
        (f32(3, 2), index(0), f32(2, 2)),
        ValueError,
        r"out.*\(1, 2\).*\(2, 2\)",
    ),
)

gather = Function(
    name="gather",
    stem="gather",
    run=run,
    reference=lambda s: (reference.forward(**s.arrays),),
    samples=samples,
    large=large,
    errors=ERRORS,
    free_dtype=("x",),
    batched=("indices",),
)
FUNCTIONS = (gather,)
GRADIENTS = ()
