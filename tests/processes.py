"""Runs Python in a process of its own, with the source tree on its path."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run_python(*arguments: str, timeout: float = 240, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python -W error ARGUMENTS in the environment of the tests and these variables."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def output_of(*arguments: str, **environment: str) -> str:
    """What it printed, where it left with 0."""
    done = run_python(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def limited_sanitizer() -> dict[str, str]:
    """The limit of a request of memory under AddressSanitizer, which bears no limit of the system."""
    options = [os.environ.get("ASAN_OPTIONS"), "max_allocation_size_mb=1024"]
    return {"ASAN_OPTIONS": ":".join(filter(None, options))}
