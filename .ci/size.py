"""Prints the size of the installed package, which has a limit, and of the sources by folder."""

from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 8_000_000
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
    """The table; exit status 1 above the limit."""
    size = installed_bytes()
    print(f"installed {size:>12,} bytes, at most {LIMIT:,}")
    for folder in FOLDERS:
        print(f"{folder:<10}{source_lines(folder):>12,} lines")
    if not 0 < size <= LIMIT:
        raise SystemExit("the package is larger than its limit, or not installed")


if __name__ == "__main__":
    main()
