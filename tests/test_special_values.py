"""NaN, infinities, -0, subnormals and whole arrays of -inf give what the formula gives."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, Sample, call
from tests.opinfo.tolerance import assert_matches_reference


def specials(dtype: str) -> dict[str, float]:
    tiny = float(np.finfo(dtype).smallest_subnormal)
    return {
        "nan": np.nan,
        "+inf": np.inf,
        "-inf": -np.inf,
        "-0": -0.0,
        "subnormal": 3 * tiny,
        "-subnormal": -3 * tiny,
    }


def planted(sample: Sample, name: str, value: float, rng: np.random.Generator) -> Sample:
    a = sample.arrays[name].copy()
    a.reshape(-1)[rng.integers(a.size)] = value
    return sample.put(**{name: a})


def targets(function: Function, sample: Sample) -> list[str]:
    names = sample.floats() if function.specials is None else function.specials
    return [name for name in names if sample.arrays[name].size]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("special", specials("float32"))
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_one_special_value(backend: Backend, function: Function, special: str, dtype: str) -> None:
    rng = np.random.default_rng(3)
    for sample in function.fresh():
        for name in rng.permutation(targets(function, sample))[:3]:
            given = planted(sample.cast(dtype), name, specials(dtype)[special], rng)
            results = call(backend, function, given.cast(dtype))
            assert_matches_reference(function, given, results, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("special", specials("float32"))
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_all_values_special(backend: Backend, function: Function, special: str, dtype: str) -> None:
    rng = np.random.default_rng(4)
    for sample in function.fresh():
        for name in rng.permutation(targets(function, sample))[:3]:
            full = np.full_like(sample.arrays[name], specials(dtype)[special], dtype=dtype)
            given = sample.cast(dtype).put(**{name: full})
            results = call(backend, function, given.cast(dtype))
            assert_matches_reference(function, given, results, dtype)
