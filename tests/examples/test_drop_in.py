"""Two programs in NumPy train alike on their own kernels and on fastnn's."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.examples.course import load

FOLDER = Path(__file__).parents[2] / "examples/drop_in"
COMPARE = load("compare", FOLDER)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_losses_are_the_same(name, dtype):
    program = COMPARE.PROGRAMS[name]
    naive, fastnn = (COMPARE.train(program, kernels, dtype, 20)[0] for kernels in COMPARE.KERNELS)
    assert naive.dtype == fastnn.dtype == dtype
    np.testing.assert_allclose(fastnn, naive, rtol=0, atol=1e-5 if dtype == "float32" else 1e-12)
    assert naive[-5:].mean() < 0.7 * naive[:5].mean()


def test_each_program_runs_on_both():
    (naive, _), (fastnn, _) = COMPARE.KERNELS.values()
    assert "fastnn" not in re.sub(r'""".*?"""', "", Path(naive.__file__).read_text(), flags=re.DOTALL)
    assert fastnn.__name__ == "fastnn.functional"


def test_prints_losses_and_times(capsys):
    assert COMPARE.main(["--steps", "2", "--repeats", "1"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "program"
    assert [row.split()[:2] for row in rows] == [
        [p, d] for p in ("mlp", "cnn") for d in ("float32", "float64")
    ]
    assert all(float(row.split()[4]) < 1e-5 for row in rows)
