"""Labels and indices out of range are refused, by value and position, before anything is written."""

import numpy as np
import pytest

from tests.opinfo import FUNCTIONS, Backend, Function, Sample

WITH_INDICES = [
    f for f in FUNCTIONS if any(a.dtype.kind == "i" for s in f.fresh() for a in s.arrays.values())
]


def spoiled(sample: Sample, rng: np.random.Generator) -> list[tuple[Sample, int]]:
    """The sample with one index out of range, for every array of indices and every wrong value."""
    made = []
    for name, a in sample.arrays.items():
        if a.dtype.kind == "i" and a.size:
            limits = np.iinfo(a.dtype)
            for value in (-1, 2**31 - 1, limits.min, limits.max):
                wrong = a.copy()
                wrong.reshape(-1)[rng.integers(a.size)] = value
                made.append((sample.put(**{name: wrong}), int(value)))
    return made


def right_values(function: Function) -> set[int]:
    """Of labels that count nothing, such as the -1 of a hinge loss."""
    plain = [s for s in function.fresh() if "ignore_index" not in s.options]
    return {int(v) for s in plain for a in s.arrays.values() if a.dtype.kind == "i" for v in a.flat}


@pytest.mark.parametrize("function", WITH_INDICES, ids=str)
def test_nothing_is_written_before_indices_are_checked(backend: Backend, function: Function) -> None:
    rng = np.random.default_rng(13)
    right, refused = right_values(function), 0
    for sample in function.fresh() + function.large(rng)[:1]:
        for given, value in spoiled(sample.cast("float32"), rng):
            if value == sample.options.get("ignore_index") or value in right:
                continue
            results = function.run(backend, sample.cast("float32"), None)
            takes_out = function.outs and function.takes_out(sample)
            out = tuple(np.full_like(results[i], 7) for i in function.outs) if takes_out else None
            before = {name: a.tobytes() for name, a in given.arrays.items()}
            with pytest.raises((IndexError, ValueError), match=rf"^\[\w+\] .*got {value} .*position"):
                function.run(backend, given, out)
            assert {name: a.tobytes() for name, a in given.arrays.items()} == before
            assert all((array == 7).all() for array in out or ()), f"{function} of {given}"
            refused += 1
    assert refused >= 20
