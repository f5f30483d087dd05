"""`out=` that overlaps an input gives the right result or a ValueError: 500 seeded cases a function."""

import numpy as np
import pytest

from tests.opinfo import DTYPES, FUNCTIONS, Backend, Function, Sample, call
from tests.opinfo.comparison import assert_same_bits

CASES = 500


def overlapping(
    rng: np.random.Generator, given: np.ndarray, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """A view with the values of `given` and an `out`, both at random places of one buffer."""
    size = int(np.prod(shape))
    flat = np.zeros(2 * (given.size + size) + 2, given.dtype)
    step = int(rng.integers(1, 3))
    span = max(step * (given.size - 1) + 1, 0)
    # An eighth of the cases writes exactly over the input.
    start, at = (0, 0) if rng.random() < 0.125 else (rng.integers(flat.size - n + 1) for n in (span, size))
    view = flat[start : start + span : step]
    if rng.random() < 0.25:
        view = view[::-1]
    view = view.reshape(given.shape)
    view[...] = given
    return view, flat[at : at + size].reshape(shape)


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f.outs], ids=str)
def test_overlap_is_right_or_refused(backend: Backend, function: Function) -> None:
    rng = np.random.default_rng(11)
    samples = [s for s in function.fresh() if function.takes_out(s)]
    met = 0
    for case in range(CASES):
        given = samples[case % len(samples)].cast(DTYPES[case % 2])
        wanted = call(backend, function, given)
        name = str(rng.choice(given.floats()))
        out = [np.empty_like(wanted[i]) for i in function.outs]
        which = int(rng.integers(len(out)))
        view, out[which] = overlapping(rng, given.arrays[name], out[which].shape)
        met += bool(np.shares_memory(view, out[which]))
        check_one(backend, function, given.put(**{name: view}), tuple(out), wanted)
    assert met >= CASES // 4


def check_one(
    backend: Backend, function: Function, given: Sample, out: tuple[np.ndarray, ...], wanted: tuple
) -> None:
    before = {name: a.tobytes() for name, a in given.arrays.items()}
    try:
        results = function.run(backend, given, out)
    except ValueError:
        assert before == {name: a.tobytes() for name, a in given.arrays.items()}
    else:
        assert_same_bits(results, wanted, f"{function} of {given}")


def test_outs_that_overlap_each_other_are_refused(backend: Backend) -> None:
    shared = np.zeros(200, np.float32)
    x, weight, grad_output = (np.ones(shape, np.float32) for shape in ((4, 5), (3, 5), (4, 3)))
    grad_x, grad_weight, grad_bias = shared[:20], shared[10:25], np.empty(3, np.float32)
    with pytest.raises(ValueError, match=r"^\[linear_backward\] .*out.*overlap"):
        backend.functional.linear_backward(
            grad_output, x, weight, out=(grad_x.reshape(4, 5), grad_weight.reshape(3, 5), grad_bias)
        )
