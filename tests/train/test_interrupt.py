"""Ctrl-C ends `fit` soon, wherever it comes, and the model can be used and trained on."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.processes import ROOT

RUNS = 20
PROGRAM = ROOT / "tests/programs/interrupted.py"


def cpu_seconds(process):
    """The time of the processor that it has used: other load on the machine does not count."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_keyboard_interrupt_comes_within_a_second():
    draw = random.Random(0)
    with subprocess.Popen([sys.executable, PROGRAM, str(RUNS)], stdout=subprocess.PIPE, text=True) as child:
        for _ in range(RUNS):
            assert child.stdout.readline() == "training\n"
            time.sleep(draw.uniform(0.0, 0.06))
            before = cpu_seconds(child.pid)
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == "interrupted\n"
            assert cpu_seconds(child.pid) - before < 1.0
            assert child.stdout.readline() == "usable\n"
    assert child.returncode == 0
