"""The examples run, as a user runs them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

EXAMPLES = Path(__file__).parents[1] / "examples"
PICTURES = ("learning_curve.png", "misread_digits.png")


def run(name, *options, cwd):
    """The example's standard output; any warning is an error."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, options)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def accuracies(table):
    found = re.findall(r"^(training|validation|test) +\d+ +\d+ +([\d.]+)%$", table, re.MULTILINE)
    return {part: float(percent) for part, percent in found}


def assert_is_a_picture(path):
    picture = imread(path)
    height, width = picture.shape[:2]
    assert min(height, width) > 200
    assert picture[..., :3].std() > 0.05  # an empty page has no spread


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Output and folder of the full run with default options."""
    folder = tmp_path_factory.mktemp("digits")
    return run("train_digits.py", cwd=folder), folder


def test_digits_are_read_with_97_percent(digits):
    output, _ = digits
    found = accuracies(output)
    assert found.keys() == {"training", "validation", "test"}
    assert found["test"] >= 97.0


def test_digits_prints_errors_by_class_that_add_up(digits):
    output, _ = digits
    errors = [int(n) for n in re.search(r"^errors ((?: +\d+){10})$", output, re.MULTILINE)[1].split()]
    total = int(re.search(r"^test +180 +(\d+)", output, re.MULTILINE)[1])
    assert sum(errors) == total


def test_digits_prints_sizes_and_times(digits):
    output, _ = digits
    assert re.search(r"^parameters +85,002$", output, re.MULTILINE)
    for name in ("epochs", "training", "step", "kernels"):
        assert re.search(rf"^{name} +\S", output, re.MULTILINE)


@pytest.mark.parametrize("name", PICTURES)
def test_digits_draws_into_the_current_folder(digits, name):
    assert_is_a_picture(digits[1] / name)


def test_digits_in_short_form_with_all_options(tmp_path):
    options = [
        "--quick",
        "--seed",
        3,
        "--threads",
        1,
        "--batch-size",
        64,
        "--hidden",
        32,
        "--out",
        tmp_path / "new",
    ]
    output = run("train_digits.py", *options, cwd=tmp_path)
    assert accuracies(output)["test"] > 50.0
    assert "3 of 23 steps" in output
    assert "up to 1 thread" in output
    for name in PICTURES:
        assert_is_a_picture(tmp_path / "new" / name)


def test_cnn_in_short_form_reads_95_percent(tmp_path):
    """60 epochs read 98 percent and more; 15 are enough to see that it learns."""
    options = ["--epochs", 15, "--channels", 16, "--threads", 1, "--seed", 1, "--out", tmp_path / "new"]
    output = run("train_digits_cnn.py", *options, cwd=tmp_path)
    found = accuracies(output)
    assert found.keys() == {"training", "validation", "test"}
    assert min(found.values()) >= 95.0
    assert "15 of 45 steps" in output
    for name in (*PICTURES, "feature_maps.png"):
        assert_is_a_picture(tmp_path / "new" / name)


def test_cnn_in_quick_form_draws_into_the_current_folder(tmp_path):
    output = run("train_digits_cnn.py", "--quick", cwd=tmp_path)
    assert re.search(r"^parameters +25,866$", output, re.MULTILINE)
    assert "3 of 45 steps" in output
    for name in (*PICTURES, "feature_maps.png"):
        assert_is_a_picture(tmp_path / name)
