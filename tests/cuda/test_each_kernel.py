"""Every operation in both dtypes, in few calls: the tools of compute-sanitizer slow kernels down."""

import pytest

from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, call
from tests.opinfo.tolerance import assert_matches_reference


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_each_kernel(backend: Backend, function: Function, dtype: str) -> None:
    for sample in function.fresh()[:4]:
        given = sample.cast(dtype)
        assert_matches_reference(function, given, call(backend, function, given.cast(dtype)), dtype)
