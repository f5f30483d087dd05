"""Wrong calls give the named exception, with words for the argument, the expectation and the value."""

from collections import Counter

import pytest

from tests.opinfo import FUNCTIONS, Backend
from tests.opinfo.base import ErrorCase

CASES = [pytest.param(case, id=f"{f}-{case.label}") for f in FUNCTIONS for case in f.errors]


@pytest.mark.parametrize("case", CASES)
def test_wrong_call(backend: Backend, case: ErrorCase) -> None:
    if backend.always_writeable and case.label.endswith("read-only"):
        pytest.skip("CuPy's arrays can always be written")
    with pytest.raises(case.exception, match=case.match) as caught:
        case.call(backend)
    assert type(caught.value) is case.exception


def test_every_operation_has_eight_wrong_calls() -> None:
    counts = Counter(dict.fromkeys({f.stem for f in FUNCTIONS}, 0))
    for function in FUNCTIONS:
        counts[function.stem] += len(function.errors)
    assert min(counts.values()) >= 8, counts
    assert sum(counts.values()) >= 30
