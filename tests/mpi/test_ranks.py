"""Several ranks: what they exchange, and training that equals that of one process with the same batches."""

import numpy as np
import pytest

from fastnn.distributed import Group
from tests.mpi.launch import run, run_example
from tests.programs.ranks_training import CASES, trained

GLOBAL_BATCH = 32
EQUAL = [case for case in CASES if case != "local statistics"]


def train(ranks, case, path, *checkpoint):
    """The arrays that rank 0 wrote; the program itself holds the ranks to the same bits."""
    batch_size = str(GLOBAL_BATCH // ranks)
    done = run(ranks, "tests.programs.ranks_training", case, batch_size, str(path), *checkpoint)
    assert done.returncode == 0, done.stderr
    with np.load(path) as file:
        return dict(file)


@pytest.mark.parametrize("ranks", [2, 4])
def test_collectives_loaders_and_averages(ranks):
    done = run(ranks, "tests.programs.ranks_collectives")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("case", EQUAL)
@pytest.mark.parametrize("ranks", [2, 4])
def test_equals_one_process_with_the_same_batches(tmp_path, ranks, case):
    alone = trained(Group(), case, GLOBAL_BATCH)
    found = train(ranks, case, tmp_path / "run.npz")
    assert found.keys() == alone.keys()
    assert found["steps"].shape == alone["steps"].shape
    tolerance = 1e-12 if "float64" in case else 1e-6
    away = np.linalg.norm(found["steps"] - alone["steps"], axis=1)
    assert (away <= tolerance * np.linalg.norm(alone["steps"], axis=1)).all()
    for name in found:
        if name != "steps":
            np.testing.assert_allclose(found[name], alone[name], rtol=10 * tolerance, atol=tolerance)


def test_gives_the_same_bits_twice(tmp_path):
    first, second = (train(4, "local statistics", tmp_path / f"{i}.npz") for i in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_resumes_bit_for_bit(tmp_path):
    """With dropout, each rank with masks of its own, and running statistics; rank 0 writes the files."""
    whole = train(2, "local statistics", tmp_path / "whole.npz")
    file = str(tmp_path / "run.safetensors")
    train(2, "local statistics", tmp_path / "begun.npz", file, "1")
    resumed = train(2, "local statistics", tmp_path / "resumed.npz", file, "3")
    for name in whole:
        expected = whole[name][-len(resumed[name]) :] if name == "steps" else whole[name]
        np.testing.assert_array_equal(resumed[name], expected, err_msg=name)
    assert len((tmp_path / "run.safetensors.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_example_speaks_once(tmp_path, ranks):
    """And on one rank without mpiexec."""
    done = run_example(ranks, "train_digits_mpi.py", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count(f"ranks      {ranks}, {32 // ranks} samples of a batch each") == 1
    assert done.stdout.count("pictures") == 1
    assert (tmp_path / "learning_curve.png").exists()
