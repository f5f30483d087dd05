"""Starts the programs of the tests on several ranks, and ends one of them early."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from tests.processes import ROOT

# With a shell between, which leaves with a code where its program was killed, and told not to clean up,
# MPICH's launcher leaves the survivors alone, but for a signal.
LEFT_ALONE = ("sh", "-c", 'trap "" USR1; "$@"; exit $?', "sh")


def command(ranks: int, *arguments: str, cleanup: bool = True) -> list[str]:
    """Mpiexec of this Python's environment, and a module with its arguments."""
    mpiexec = shutil.which(
        "mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    assert mpiexec, "these tests need an MPI: pip install '.[mpi]'"
    rest = () if cleanup else LEFT_ALONE
    options = () if cleanup else ("-disable-auto-cleanup",)
    return [mpiexec, *options, "-n", str(ranks), *rest, sys.executable, "-W", "error", "-m", *arguments]


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def run_example(ranks: int, name: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """An example in its short form."""
    arguments = [sys.executable, "-W", "error", str(ROOT / "examples" / name), "--quick"]
    if ranks > 1:
        arguments = [*command(ranks)[:3], *arguments]
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def run(ranks: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The module under mpiexec, to its end."""
    return subprocess.run(
        command(ranks, *arguments), env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


class Outcome(NamedTuple):
    """What came of a job that lost a rank: seconds until each survivor raised, and until all had ended."""

    raised: dict[int, float]
    seconds: float
    code: int
    errors: str


def lose_a_rank(
    how: signal.Signals, victim: int, delay: float, ranks: int = 3, cleanup: bool = False
) -> Outcome:
    """Send the signal to a rank that trains, `delay` seconds after all have begun."""
    arguments = command(ranks, "tests.programs.ranks_failing", "train", cleanup=cleanup)
    with subprocess.Popen(
        arguments, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as job:
        limit = threading.Timer(60, job.kill)
        limit.start()
        assert job.stdout is not None
        assert job.stderr is not None
        pids: dict[int, int] = {}
        while len(pids) < ranks:
            _, rank, pid = job.stdout.readline().split()
            pids[int(rank)] = int(pid)
        time.sleep(delay)
        began = time.monotonic()
        os.kill(pids[victim], how)
        raised = {}
        for line in job.stdout:
            if lost := re.match(rf"lost (\d+): rank {victim} has not been heard of", line):
                raised[int(lost[1])] = time.monotonic() - began
        code, seconds = job.wait(), time.monotonic() - began
        errors = job.stderr.read()
        limit.cancel()
    return Outcome(raised, seconds, code, errors)
