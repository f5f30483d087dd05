"""Run all examples of the course, one after the other, and say how long each took.

python examples/course/run_all.py --out docs/course
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """The options are handed on to each example."""
    for path in sorted(Path(__file__).parent.glob("c[0-9]*.py")):
        print(f"=== {path.stem}", flush=True)
        began = time.perf_counter()
        subprocess.run([sys.executable, str(path), *sys.argv[1:]], check=True)
        print(f"{time.perf_counter() - began:.1f} s\n", flush=True)


if __name__ == "__main__":
    main()
