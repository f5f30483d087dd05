"""What docs/scaling.md shows runs, on one process; and the example does."""

import re
import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT, output_of


def test_the_page_runs():
    (block,) = re.findall(
        r"^```python\n(.+?)^```", (ROOT / "docs/scaling.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert output_of("-c", block).startswith("History(2 epochs: loss=")


def test_the_example_runs_alone(tmp_path: Path):
    command = [sys.executable, "-W", "error", str(ROOT / "examples/train_digits_mpi.py"), "--quick"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ranks      1, 32 samples of a batch each" in done.stdout
    assert (tmp_path / "learning_curve.png").exists()
