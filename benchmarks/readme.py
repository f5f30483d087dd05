"""The figures of README.md, taken from a committed result.

    python benchmarks/readme.py zen5-avx512

rewrites what stands between the two markers from benchmarks/results/zen5-avx512.json; without a name, from
the result that the README links to already. A test holds the README to it.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import QUIET, ROOT
from benchmarks.timing import geometric_mean

README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
BLOCK = re.compile(r"(?<=<!-- benchmarks:begin -->\n).*(?=<!-- benchmarks:end -->)", re.DOTALL)
Rows = Sequence[Mapping[str, Any]]


def linked(readme: str) -> str:
    """The name of the result that the block of this text links to."""
    found = re.search(r"benchmarks/results/([\w-]+)\.json", readme)
    if found is None:
        raise SystemExit("README.md links to no result: give the name of one")
    return found[1]


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return content


def cell(rows: Rows) -> str:
    """Mean and range of the ratios; an empty list gives an empty cell."""
    ratios = [row["ratio"]["median"] for row in rows]
    return f"{geometric_mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""


def table(rows: Rows) -> list[str]:
    """A line for each operation and one for all of them; a column for each number of threads."""
    counts = sorted({row["threads"] for row in rows})
    lines = [
        "| time of fastnn / time of PyTorch | cases | " + " | ".join(map(threads_text, counts)) + " |",
        "|---|--:|" + "---|" * len(counts),
    ]
    for op in [*dict.fromkeys(row["op"] for row in rows), None]:
        chosen = [row for row in rows if op in (None, row["op"])]
        cells = [cell([row for row in chosen if row["threads"] == n]) for n in counts]
        label = f"`{op}`" if op else "geometric mean of all"
        lines.append(f"| {label} | {len({row['name'] for row in chosen})} | " + " | ".join(cells) + " |")
    return lines


def threads_text(n: int) -> str:
    return f"{n} thread" if n == 1 else f"{n} threads"


def slower_text(rows: Rows) -> str:
    """Slower as in the report: more than three quarters of the pairs say so."""
    slower = [f"{row['name']} ({threads_text(row['threads'])})" for row in rows if row["ratio"]["low"] > 1]
    if not slower:
        return f"Slower in none of {len(rows)} measurements."
    return f"Slower in {len(slower)} of {len(rows)} measurements: {', '.join(slower)}."


def background_text(rows: Rows) -> str:
    """Says where the machine was not ours alone."""
    disturbed = [row for row in rows if row["background"] > QUIET]
    if not disturbed:
        return ""
    return f"Other processes used over {QUIET:.0%} of the machine in {len(disturbed)} of them. "


def costs_text(installed: Mapping[str, Mapping[str, float]]) -> str:
    return ", ".join(
        f"{package} {cost['megabytes']:.1f} MB and {cost['import_ms']:.0f} ms"
        for package, cost in installed.items()
    )


def block(name: str, content: Mapping[str, Any]) -> str:
    """All that stands between the markers."""
    libraries, rows = content["libraries"], content["rows"]
    return "\n".join(
        [
            *table(rows),
            "",
            "Geometric mean, least and greatest ratio of the cases, against PyTorch "
            f"{libraries['torch']['version']} on {content['cpu']} (`{libraries['fastnn']['isa']}`), "
            f"{content['date'][:10]}. {slower_text(rows)} {background_text(rows)}"
            f"On disk, and to import after NumPy: {costs_text(content['installed'])}. "
            f"Every case: [figures](benchmarks/results/{name}.json), [plot](benchmarks/results/{name}.png).",
            "",
        ]
    )


def updated(readme: str, name: str) -> str:
    """The text of the README with the block of this result."""
    new, count = BLOCK.subn(lambda _: block(name, load(name)), readme)
    if count != 1:
        raise SystemExit("README.md lacks the markers of the benchmarks")
    return new


def main(arguments: Sequence[str]) -> None:
    """Rewrite the README."""
    readme = README.read_text()
    README.write_text(updated(readme, arguments[0] if arguments else linked(readme)))


if __name__ == "__main__":
    main(sys.argv[1:])
