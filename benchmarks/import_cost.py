"""What fastnn costs before its first call: import time over NumPy's, and megabytes on disk.

    python benchmarks/import_cost.py

Each import runs in a fresh interpreter that has imported NumPy already; the packages take turns.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

PACKAGES = ("fastnn", "torch")
TIMED = "import numpy, time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def import_seconds(package: str) -> float:
    """One import in a fresh interpreter, after NumPy's."""
    command = [sys.executable, "-c", TIMED.format(package)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def installed_bytes(package: str) -> int:
    """The size of all files below the package's folder, byte code included."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package named {package!r} is installed")
    folders = os.walk(spec.submodule_search_locations[0], followlinks=True)
    paths = [os.path.join(folder, name) for folder, _, names in folders for name in names]
    return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))


def installed(packages: Sequence[str]) -> list[str]:
    return [package for package in packages if importlib.util.find_spec(package) is not None]


def measure(repeats: int = 15) -> dict[str, dict[str, float]]:
    """{package: {"import_ms", "megabytes"}}; the first import of each only warms the file cache."""
    packages = installed(PACKAGES)
    times: dict[str, list[float]] = {package: [] for package in packages}
    for _ in range(repeats + 1):
        for package in packages:
            times[package].append(import_seconds(package))
    return {
        package: {
            "import_ms": 1e3 * median(times[package][1:]),
            "megabytes": installed_bytes(package) / 1e6,
        }
        for package in packages
    }


def text(costs: dict[str, dict[str, float]]) -> str:
    lines = [f"{'':10} {'import over NumPy':>18} {'installed':>12}"]
    for package, cost in costs.items():
        lines.append(f"{package:10} {cost['import_ms']:15.1f} ms {cost['megabytes']:9.1f} MB")
    return "\n".join(lines)


if __name__ == "__main__":
    print(text(measure()))
