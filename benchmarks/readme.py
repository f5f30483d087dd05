"""The figures of README.md and docs/performance.md, taken from a committed result.

    python benchmarks/readme.py zen5-avx512

rewrites what stands between the markers of both from benchmarks/results/zen5-avx512.json, and from
zen5-avx512-winograd.json where it exists (compare.py --filter winograd --out zen5-avx512-winograd), and
draws the picture of the README; without a name, from the result that the README links to already. A test
holds both texts to it.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import plot
from benchmarks.machine import QUIET, ROOT
from benchmarks.report import duration
from benchmarks.timing import geometric_mean

README = ROOT / "README.md"
PERFORMANCE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results"
BLOCK = re.compile(r"(?<=<!-- benchmarks:begin -->\n).*(?=<!-- benchmarks:end -->)", re.DOTALL)
# In docs/performance.md: the cases of the operations that the first marker names.
PART = re.compile(r"(<!-- results: (?!end )([\w ]+) -->\n).*?(?=<!-- results: end -->)", re.DOTALL)
Rows = Sequence[Mapping[str, Any]]
ELSEWHERE = ("xeon-avx512", "zen5-avx2")  # other results, of which both texts give the means


def linked(readme: str) -> str:
    """The name of the result that the block of this text links to."""
    found = re.search(r"benchmarks/results/([\w-]+)\.json", readme)
    if found is None:
        raise SystemExit("README.md links to no result: give the name of one")
    return found[1]


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return content


def by_name(name: str) -> list[dict[str, Any]]:
    """The rows that were measured apart, with other roundings than the definition's."""
    apart = f"{name}-winograd"
    rows: list[dict[str, Any]] = load(apart)["rows"] if (RESULTS / f"{apart}.json").exists() else []
    return rows


def by_name_text(rows: Rows) -> str:
    """What choosing an algorithm gives."""
    counts = sorted({row["threads"] for row in rows})
    cells = [f"{cell([row for row in rows if row['threads'] == n])} on {threads_text(n)}" for n in counts]
    if not cells:
        return ""
    return f'Not in the mean: 3x3 convolutions with `algorithm="winograd"`, {" and ".join(cells)}. '


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


def stalled(rows: Rows) -> list[Mapping[str, Any]]:
    """Those in which PyTorch took ten times as long on several threads as on one.

    Its threads then spin on one processor and wait for the system's clock, which says nothing of a kernel.
    """
    alone = {row["name"]: row["seconds"]["torch"] for row in rows if row["threads"] == 1}
    return [row for row in rows if row["seconds"]["torch"] > 10 * alone.get(row["name"], float("inf"))]


def counted(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows that are not stalled."""
    left_out = stalled(content["rows"])
    return [row for row in content["rows"] if row not in left_out]


def slower(rows: Rows) -> list[Mapping[str, Any]]:
    """Slower as in the report: more than three quarters of the pairs say so."""
    return [row for row in rows if row["ratio"]["low"] > 1]


def slower_text(rows: Rows) -> str:
    """How many there are; the other text names them."""
    count = len(slower(rows))
    if not count:
        return f"Slower in none of {len(rows)} measurements."
    return f"Slower in [{count} of {len(rows)} measurements](docs/performance.md#slower-than-pytorch)."


def stalled_text(rows: Rows) -> str:
    """Says what is left out."""
    names = ", ".join(f"{row['name']} on {threads_text(row['threads'])}" for row in rows)
    return f"Left out, since PyTorch's threads stood in each other's way: {names}. " if rows else ""


def slower_list(rows: Rows) -> str:
    """A line for each case that is slower, with the ratios and what multiply-adds alone would come to."""
    counts = sorted({row["threads"] for row in rows})
    by_case = {(row["name"], row["threads"]): _slower_cell(row) for row in slower(rows)}
    head = ["| case | " + " | ".join(map(threads_text, counts)) + " |", "|---|" + "--:|" * len(counts)]
    lines = [
        f"| {name} | " + " | ".join(by_case.get((name, n), "") for n in counts) + " |"
        for name in dict.fromkeys(name for name, _ in by_case)
    ]
    return "\n".join([*head, *lines]) + "\n"


def _slower_cell(row: Mapping[str, Any]) -> str:
    median, clocked = row["ratio"]["median"], row.get("clocked")
    return f"{median:.2f}" + (f" ({median * clocked['median']:.2f})" if clocked else "")


def background_text(rows: Rows) -> str:
    """Says where the machine was not ours alone."""
    disturbed = [row for row in rows if row["background"] > QUIET]
    if not disturbed:
        return ""
    return f"Other processes used over {QUIET:.0%} of the machine in {len(disturbed)} of them. "


def elsewhere_text() -> str:
    """The means on other processors."""
    found = []
    for name in ELSEWHERE:
        content = load(name)
        rows = counted(content)
        by_threads = ([row["ratio"]["median"] for row in rows if row["threads"] == n] for n in (1, 2))
        means = " and ".join(f"{geometric_mean(ratios):.2f}" for ratios in by_threads)
        found.append(f"{where(content)} {means}, slower in {len(slower(rows))} of {len(rows)}")
    return f"[On other processors](docs/performance.md#on-other-processors): {'; '.join(found)}. "


def elsewhere_part() -> str:
    """Ratios by operation, and what is slower, on other processors."""
    parts = []
    for name in ELSEWHERE:
        content = load(name)
        head = f"{where(content)}, {content['date'][:10]}, [figures](../benchmarks/results/{name}.json)."
        rows = counted(content)
        left_out = stalled_text(stalled(content["rows"])).strip()
        parts.append("\n".join([f"{head} {left_out}".strip(), "", *table(rows), "", slower_list(rows)]))
    return "\n".join(parts)


def where(content: Mapping[str, Any]) -> str:
    return f"{content['cpu']} (`{content['libraries']['fastnn']['isa']}`)"


def costs_text(installed: Mapping[str, Mapping[str, float]]) -> str:
    return ", ".join(
        f"{package} {cost['megabytes']:.1f} MB and {cost['import_ms']:.0f} ms"
        for package, cost in installed.items()
    )


def block(name: str, content: Mapping[str, Any]) -> str:
    """All that stands between the markers."""
    libraries, left_out, rows = content["libraries"], stalled(content["rows"]), counted(content)
    return "\n".join(
        [
            f"![Ratios by operation](benchmarks/results/{name}-operations.png)",
            "",
            *table(rows),
            "",
            "Geometric mean, least and greatest ratio of the cases, against PyTorch "
            f"{libraries['torch']['version']} on {where(content)}, "
            f"{content['date'][:10]}. {slower_text(rows)} {stalled_text(left_out)}{background_text(rows)}"
            f"{by_name_text(by_name(name))}{elsewhere_text()}"
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


def case_table(rows: Rows) -> str:
    """A line for each case, with ratio, quartiles and share of the limit for each number of threads."""
    counts = sorted({row["threads"] for row in rows})
    if not rows:
        return "Not measured yet.\n"
    lines = ["| case |" + "".join(f" {threads_text(n)} | ratio | % of limit |" for n in counts)]
    lines.append("|---|" + "--:|---|--:|" * len(counts))
    by_case = {(row["name"], row["threads"]): row for row in rows}
    names = dict.fromkeys(row["name"] for row in rows)
    lines += [f"| {name} |" + "".join(_case_cells(by_case[name, n]) for n in counts) for name in names]
    return "\n".join(lines) + "\n"


def _case_cells(row: Mapping[str, Any]) -> str:
    ratio = row["ratio"]
    spread = f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
    share = f"{100 * row['share_of_limit']:.0f}"
    if clocked := row.get("clocked"):
        share += f" ({100 * clocked['median']:.0f})"
    return f" {duration(row['seconds']['fastnn'])} | {spread} | {share} |"


def machine_table(content: Mapping[str, Any]) -> str:
    """What the machine of the result can do at most."""
    lines = ["| threads | float32 GFLOP/s | float64 GFLOP/s | triad GB/s |", "|--:|--:|--:|--:|"]
    for threads, limit in content["limits"].items():
        cells = [
            f"{limit['float32'] / 1e9:.0f}",
            f"{limit['float64'] / 1e9:.0f}",
            f"{limit['triad'] / 1e9:.1f}",
        ]
        lines.append(f"| {threads} | " + " | ".join(cells) + " |")
    caches = ", ".join(f"{name} {size}" for name, size in content["caches"].items())
    head = f"{content['cpu']}, {content['cores']} cores, {caches}, {content['date'][:10]}"
    return f"{head}:\n\n" + "\n".join(lines) + "\n"


def performance(text: str, name: str) -> str:
    """The text of docs/performance.md with its parts from this result."""
    content = load(name)
    rows = [*content["rows"], *by_name(name)]

    def part(ops: Sequence[str]) -> str:
        if ops == ["machine"]:
            return machine_table(content)
        if ops == ["slower"]:
            return slower_list(content["rows"])
        if ops == ["elsewhere"]:
            return elsewhere_part()
        return case_table([row for row in rows if row["op"] in ops])

    return PART.sub(lambda match: match[1] + part(match[2].split()), text)


def picture(content: Mapping[str, Any]) -> Any:
    """The ratios by operation and number of threads."""
    ratios: dict[tuple[str, int], list[float]] = {}
    rows = counted(content)
    for row in rows:
        ratios.setdefault((row["op"], row["threads"]), []).append(row["ratio"]["median"])
    title = f"{content['cpu']} ({content['libraries']['fastnn']['isa']}), {len(rows)} measurements"
    return plot.draw_operations(ratios, title)


def main(arguments: Sequence[str]) -> None:
    """Rewrite both texts, and draw the picture."""
    readme = README.read_text()
    name = arguments[0] if arguments else linked(readme)
    README.write_text(updated(readme, name))
    PERFORMANCE.write_text(performance(PERFORMANCE.read_text(), name))
    plot.write(RESULTS / f"{name}-operations.png", picture(load(name)))


if __name__ == "__main__":
    main(sys.argv[1:])
