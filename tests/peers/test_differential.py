"""Random configurations of all families against PyTorch; FASTNN_DIFFERENTIAL_CASES and _SEED change them.

`python -m tests.peers.differential` is the same by hand.
"""

import os
from typing import Any

import numpy as np
import pytest
import torch

from tests.peers.differential.case import Case, compare
from tests.peers.differential.driver import Source, share, sources

CASES = int(os.environ.get("FASTNN_DIFFERENTIAL_CASES", "1000"))
SEED = int(os.environ.get("FASTNN_DIFFERENTIAL_SEED", "0"))
SOURCES = sources()


# PyTorch's remark on its own speed.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid behavior:UserWarning")
@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_agrees_with_torch(source: Source) -> None:
    for number in range(share(CASES, len(SOURCES))):
        source.check(SEED, number)


def test_configurations_differ_and_repeat() -> None:
    for source in SOURCES:
        labels = [source.case(SEED, number).label for number in range(20)]
        assert len(set(labels)) > 5, source
        assert labels == [source.case(SEED, number).label for number in range(20)]


def case(ours: Any, theirs: Any, dtype: str = "float32") -> Case:
    return Case("planted", dtype, lambda: {"y": ours}, lambda: {"y": torch.tensor(theirs)})


ONES = np.ones(3, np.float32)


@pytest.mark.parametrize(
    ("ours", "dtype"),
    [
        (ONES + np.float32(3e-4), "float32"),
        (np.ones(3) + 2e-9, "float64"),
        (ONES[:2], "float32"),
        (ONES * np.nan, "float32"),
        (ONES * np.inf, "float32"),
    ],
)
def test_differences_are_found(ours: np.ndarray, dtype: str) -> None:
    source = Source("planted", lambda rng, dtype: case(ours, np.ones(3, dtype), dtype), dtype)
    with pytest.raises(AssertionError, match=rf"planted\nagain: .* --only 'planted {dtype}' --number 7\n"):
        source.check(0, 7)


def test_equal_results_pass_and_missing_ones_do_not() -> None:
    compare(case(ONES + np.float32(1e-4), ONES))
    compare(case(ONES * np.nan, ONES * np.nan))
    with pytest.raises(AssertionError, match="planted"):
        compare(Case("planted", "float32", dict, lambda: {"y": torch.ones(3)}))
