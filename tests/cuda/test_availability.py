"""What fastnn says of GPUs, with one and without."""

import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn import nn

REASON = fastnn.cuda.reason_unavailable()


def test_the_module_is_built() -> None:
    from fastnn import _cuda

    assert callable(_cuda.conv2d)


def test_reason_is_one_line() -> None:
    assert fastnn.cuda.is_available() == (REASON is None)
    assert (fastnn.cuda.device_count() > 0) == (REASON is None)
    assert REASON is None or (REASON and "\n" not in REASON)


def test_moving_says_why_it_cannot() -> None:
    model = nn.Linear(2, 2)
    if REASON is None:
        assert fastnn.backend.is_gpu_array(model.to("cuda").weight.data)
        return
    with pytest.raises(RuntimeError, match=r"expected a GPU for 'cuda': .*cuda"):
        model.to("cuda")
    assert isinstance(model.weight.data, np.ndarray)
    with pytest.raises(RuntimeError, match="expected a GPU"):
        fastnn.cuda.synchronize()
    with pytest.raises(RuntimeError, match="expected a GPU"):
        fastnn.cuda.graph(lambda: None)


def test_import_does_not_look_for_cuda() -> None:
    code = "import fastnn, sys; print(*(m for m in sys.modules if 'cupy' in m or m.endswith('_cuda')))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == ""
