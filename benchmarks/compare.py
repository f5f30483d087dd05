"""fastnn against PyTorch and NumPy: a table, a JSON file and a plot.

    python benchmarks/compare.py                     all cases, 1 and 2 threads, about 20 minutes
    python benchmarks/compare.py --quick             fewer and shorter blocks, no large cases: 3 minutes
    python benchmarks/compare.py --filter 'linear|step' --threads 1 --pairs 31 --out mine

Every library runs in a process of its own; timing.py says how the times are paired, worker.py how
the processes are kept from disturbing each other. Below 1 fastnn is the faster one. "A/A" is
fastnn against itself: a ratio inside that band is noise. "limit" is the share of the FMA peak, or
of the triad's bandwidth, that the same run measured on as many threads; data that stay in a cache
go past the triad. "clock" is the share of what multiply-adds alone reach right after the block, at
the clock that it left. "error" is the largest error against float64, relative to the largest value.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from operator import attrgetter
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import cases, import_cost, machine, plot, report, timing
from benchmarks.case import Array, Case, Library
from benchmarks.worker import Worker

BLOCK_SECONDS, QUICK_BLOCK_SECONDS = 0.01, 0.005
PAIRS, LARGE_PAIRS, QUICK_PAIRS = 15, 5, 5
TRIAD_ELEMENTS = 1 << 24  # three arrays of 64 MB: beyond any cache that a core gets to itself
QUICK_FLOPS, QUICK_BYTES = 4e9, 4.5e7  # of a call: what --quick leaves out takes a minute for a dozen cases
PATIENCE_HELP = "wait up to S seconds for others to leave the machine, and repeat disturbed cases"
TRIES = 4
RESULTS = machine.ROOT / "benchmarks" / "results"
WORKERS: dict[str, Library] = {
    "fastnn": "fastnn",
    "torch": "torch",
    "numpy": "numpy",
    timing.AGAIN: "fastnn",
}


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter blocks, no large cases")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only cases whose name matches")
    parser.add_argument("--threads", default="1,2", metavar="N,N", help="thread counts (default: 1,2)")
    parser.add_argument("--pairs", type=int, metavar="N", help=f"pairs of blocks (default: {PAIRS})")
    parser.add_argument("--out", metavar="NAME", help="name of the results (default: processor and ISA)")
    parser.add_argument("--patience", type=float, default=0, metavar="S", help=PATIENCE_HELP)
    options = parser.parse_args(arguments)
    options.threads = [int(n) for n in options.threads.split(",")]
    options.pairs = options.pairs or (QUICK_PAIRS if options.quick else PAIRS)
    options.seconds = QUICK_BLOCK_SECONDS if options.quick else BLOCK_SECONDS
    return options


def progress(items: Iterable[Case]) -> Iterable[Case]:
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return items
    bar: Iterable[Case] = tqdm(items, unit="case", leave=False, disable=None)
    return bar


Crew = Mapping[str, Worker]  # one worker a label of WORKERS, all on the same number of threads


def run_case(
    case: Case, workers: Crew, threads: int, reference: Callable[[], list[Array]], options: argparse.Namespace
) -> report.Row:
    """Checks every library's results against float64, then times them in turn."""
    wanted = {label: worker for label, worker in workers.items() if label != "numpy" or case.compare_numpy}
    for worker in wanted.values():
        worker.send("prepare", case.name)  # all at once: nothing is timed yet
    expected = reference()
    error, blocks = {label: case.error(worker.receive(), expected) for label, worker in wanted.items()}, {}
    for label, worker in wanted.items():
        blocks[label] = partial(worker.ask, "block", worker.ask("iterations", options.seconds))
    pairs = min(options.pairs, LARGE_PAIRS) if case.large else options.pairs
    measured = least_disturbed(blocks, wanted, pairs, options)
    for worker in wanted.values():
        worker.ask("drop")
    return report.make_row(case, threads, error, measured)


def least_disturbed(
    blocks: Mapping[str, timing.Block], workers: Crew, pairs: int, options: argparse.Namespace
) -> report.Measured:
    """What the blocks gave; with patience, the try of some in which others took least of the machine."""

    def own() -> float:
        return sum((float(worker.ask("processor_seconds")) for worker in workers.values()), process_time())

    tries = []
    for _ in range(TRIES if options.patience else 1):
        machine.wait_for_quiet(options.patience)
        with machine.others(own) as share:
            samples = timing.measure(blocks, pairs)
        tries.append(report.Measured(samples, workers["fastnn"].ask("clocked"), share[0]))
        if share[0] <= machine.QUIET:
            break
    return min(tries, key=attrgetter("background"))


def best(a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
    return {key: max(a[key], b[key]) for key in a}


@contextmanager
def crew(threads: int) -> Iterator[Crew]:
    workers = {label: Worker(library, threads) for label, library in WORKERS.items()}
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def measured_limits(crews: Mapping[int, Crew]) -> dict[int, dict[str, float]]:
    """What the machine can do right now, by number of threads."""
    return {n: workers["fastnn"].ask("limits", TRIAD_ELEMENTS) for n, workers in crews.items()}


def run(
    selected: Sequence[Case], options: argparse.Namespace
) -> tuple[list[report.Row], dict[int, dict[str, float]], dict[Library, dict[str, str]]]:
    """All cases on all thread counts, between two measurements of the machine's limits."""
    with ExitStack() as stack:
        crews = {n: stack.enter_context(crew(n)) for n in options.threads}
        workers = crews[options.threads[0]]
        facts = {library: workers[library].ask("versions") for library in set(WORKERS.values())}
        before, rows = measured_limits(crews), []
        for case in progress(selected):
            reference = cache(case.reference)
            rows += [run_case(case, workers, n, reference, options) for n, workers in crews.items()]
        after = measured_limits(crews)
    return rows, {n: best(before[n], after[n]) for n in crews}, facts


def default_name(cpu: str, isa: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{cpu} {isa}".lower()).strip("-")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    selected = cases.select(options.filter)
    if options.quick:
        selected = quick(selected)
    if not selected:
        raise SystemExit(f"no case matches {options.filter!r}; there are:\n" + "\n".join(cases.CASES))
    facts = machine.describe()
    rows, limits, libraries = run(selected, options)
    for threads in options.threads:
        print(report.table([row for row in rows if row.threads == threads], limits[threads]), end="\n\n")
    costs = import_cost.measure(3 if options.quick else 15)
    print(import_cost.text(costs))
    facts = {**facts, "libraries": libraries, "block_seconds": options.seconds, "installed": costs}
    save(options.out or default_name(str(facts["cpu"]), libraries["fastnn"]["isa"]), facts, rows, limits)


def quick(selected: Sequence[Case]) -> list[Case]:
    """The cases that take no time worth speaking of; says what that leaves out."""
    few = [case for case in selected if case.flops <= QUICK_FLOPS and case.least_bytes <= QUICK_BYTES]
    left_out = [case.name for case in selected if case not in few]
    if left_out:
        print(f"--quick leaves out {len(left_out)} large cases: {'; '.join(left_out)}\n")
    return few


def save(
    name: str, facts: dict[str, object], rows: list[report.Row], limits: dict[int, dict[str, float]]
) -> None:
    path = RESULTS / f"{name}.json"
    report.write_json(path, report.document(facts, rows, limits))
    plot.save(path.with_suffix(".png"), rows, f"fastnn against PyTorch on {facts['cpu']} ({name})")
    print(f"\nwritten: {path} and {path.with_suffix('.png').name}")


if __name__ == "__main__":
    main()
