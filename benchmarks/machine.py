"""What a result has to say about where it comes from: processor, caches, versions, commit."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, process_time, sleep

ROOT = Path(__file__).resolve().parents[1]
QUIET = 0.1  # share of all cores; more than that shows in the times
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def _cpuinfo() -> dict[str, str]:
    """The first processor's entries of /proc/cpuinfo; empty where there is none."""
    path = Path("/proc/cpuinfo")
    text = path.read_text() if path.exists() else ""
    lines = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def _caches() -> Iterator[tuple[str, str]]:
    for index in sorted(CACHES.glob("index*")):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        yield f"L{level} {kind.lower()}", size


def _seconds() -> tuple[float, float]:
    """(busy, all) processor seconds since boot, over all cores; stolen time counts as busy."""
    with open("/proc/stat") as stat:
        ticks = [int(word) for word in stat.readline().split()[1:9]]
    per_second = os.sysconf("SC_CLK_TCK")
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / per_second, sum(ticks) / per_second


@contextmanager
def others(own: Callable[[], float]) -> Iterator[list[float]]:
    """Appends the share of the machine that went to others inside; `own()` is our processor time."""
    share: list[float] = []
    busy, total, ours = *_seconds(), own()
    yield share
    busy_after, total_after, ours_after = *_seconds(), own()
    theirs = (busy_after - busy) - (ours_after - ours)
    share.append(max(0.0, theirs / max(1e-9, total_after - total)))


def wait_for_quiet(patience: float) -> None:
    """Waits up to `patience` seconds for the others to finish."""
    deadline = monotonic() + patience
    while monotonic() < deadline:
        with others(process_time) as share:
            sleep(0.2)
        if share[0] <= QUIET:
            return


def _git(*arguments: str) -> str:
    """What git answers; empty where there is no git."""
    if shutil.which("git") is None:
        return ""
    answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def describe() -> dict[str, object]:
    """Facts that do not depend on the libraries."""
    cpu = _cpuinfo()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "cpu_family_model": f"{cpu.get('cpu family', '?')}/{cpu.get('model', '?')}",
        "avx512": "avx512f" in cpu.get("flags", "").split(),
        "cores": len(os.sched_getaffinity(0)),
        "caches": dict(_caches()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain")),
    }
