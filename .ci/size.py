"""Prints the size of a wheel and of what it installed, which have limits, and of the sources by folder."""

import sys
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT, WHEEL_LIMIT = 8_000_000, 3_000_000
FOLDERS = ("csrc", "python", "tests", "benchmarks", "examples")
SUFFIXES = {".cpp", ".h", ".py", ".pyi"}


def installed_bytes() -> int:
    """All files of the distribution on disk, byte code included."""
    files = distribution("fastnn-kernels").files or []
    return sum(Path(file.locate()).stat().st_size for file in files)


def source_lines(folder: str) -> int:
    paths = (path for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES)
    return sum(len(path.read_text().splitlines()) for path in paths)


def main() -> None:
    """The table; exit status 1 above a limit."""
    size, wheel = installed_bytes(), Path(sys.argv[1]).stat().st_size
    print(f"installed {size:>12,} bytes, at most {LIMIT:,}")
    print(f"wheel     {wheel:>12,} bytes, at most {WHEEL_LIMIT:,}")
    for folder in FOLDERS:
        print(f"{folder:<10}{source_lines(folder):>12,} lines")
    if not 0 < size <= LIMIT or wheel > WHEEL_LIMIT:
        raise SystemExit("the package or its wheel is larger than its limit, or not installed")


if __name__ == "__main__":
    main()
