"""The benchmarks measure what they say: right results in every case, and statistics that hold still.

No test looks at how long anything takes. The libraries run in worker processes, as they do in a
real comparison; PyTorch's cases are checked where it is installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import CalledProcessError
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from benchmarks import bench_dropout, compare, import_cost, machine, plot, report, sizes, timing
from benchmarks.case import Case, Library, flatten, relative_error
from benchmarks.cases import BY_NAME, CASES, select
from benchmarks.worker import Worker, any_thread_runs, environment, settle

# A float32 sum of a thousand products is good to about 1e-6 of the largest result.
TOLERANCE = {"float32": 4e-6, "float64": 1e-14}
LIBRARIES: tuple[Library, ...] = ("fastnn", "torch") if importlib.util.find_spec("torch") else ("fastnn",)
# compare.py checks every case each time; the largest only repeat smaller ones and would cost seconds here.
CHECKED = [case for case in CASES.values() if case.flops < 3e8 and case.least_bytes < 2e7]


@pytest.fixture(scope="module", params=LIBRARIES)
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    process = Worker(request.param, threads=1)
    yield process
    process.close()


@pytest.mark.parametrize("case", CHECKED, ids=lambda case: case.name)
def test_case_agrees_with_float64(worker: Worker, case: Case) -> None:
    outputs = worker.ask("prepare", case.name)
    assert case.error(outputs, case.reference()) <= TOLERANCE[case.dtype]
    assert worker.ask("block", 1) > 0  # it can be called again
    worker.ask("drop")


def test_checked_cases_cover_every_op_and_dtype() -> None:
    def kinds(cases: Sequence[Case]) -> set[tuple[str, str]]:
        return {(case.op, case.dtype) for case in cases}

    assert kinds(CHECKED) == kinds(list(CASES.values()))


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_case_states_its_least_work_in_one_unit(case: Case) -> None:
    assert (case.flops > 0) != (case.least_bytes > 0)


def test_inputs_are_the_same_in_every_process_and_never_zero() -> None:
    first, second = (CASES["relu forward 32x128"].arrays("float32")[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert np.all(first != 0)


def test_select_by_pattern() -> None:
    assert [case.name for case in select("^gather")] == ["gather 64 rows of 784"]
    by_name = [case for module in BY_NAME for case in module.CASES]
    assert select("winograd") == by_name
    assert [case for case in CASES.values() if case not in by_name] == select("")


# --- the comparison of results ---
def test_flatten_takes_numbers_sequences_and_none() -> None:
    assert [a.tolist() for a in flatten((1.5, [np.arange(2)], None))] == [1.5, [0, 1]]


def test_relative_error_is_that_of_the_worst_output() -> None:
    reference = [np.array([1.0, -4.0]), np.array([10.0])]
    assert relative_error([np.array([1.0, -4.4]), np.array([10.1])], reference) == pytest.approx(0.1)


def test_relative_error_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"shapes \[\(2,\)\] against \[\(3,\)\]"):
        relative_error([np.ones(2)], [np.ones(3)])


def test_relative_error_keeps_nan() -> None:
    assert np.isnan(relative_error([np.array([np.nan, 1.0]), np.ones(2)], [np.ones(2), np.ones(2)]))


@pytest.mark.parametrize(("kept", "expected"), [(500, 0.0), (800, np.inf)])
def test_dropout_error_looks_at_the_share_of_zeros(kept: int, expected: float) -> None:
    x = np.linspace(1, 2, 1000)
    assert bench_dropout.kept_error([np.where(np.arange(1000) < kept, x, 0)], [x]) == expected


# --- statistics ---
def test_spread_of_a_sample() -> None:
    assert timing.Spread.of([5.0, 1.0, 3.0, 2.0, 4.0]) == timing.Spread(3.0, 2.0, 4.0)
    assert timing.Spread.of([7.0]) == timing.Spread(7.0, 7.0, 7.0)


def test_ratio_is_taken_pair_by_pair() -> None:
    """The pairs differ by a hundred times, their ratio does not."""
    assert timing.ratio([1.0, 10.0, 100.0], [2.0, 20.0, 200.0]) == timing.Spread(0.5, 0.5, 0.5)


def test_geometric_mean() -> None:
    assert timing.geometric_mean([0.25, 1.0, 4.0]) == pytest.approx(1.0)


def test_rounds_alternate() -> None:
    assert ["".join(labels) for labels in timing.rounds("AB", 4)] == ["AB", "BA", "AB", "BA"]


def drifting(slowdown: float) -> Callable[[float], timing.Block]:
    """Blocks on a machine that gets slower by a constant share with every block."""
    speed = [1.0]

    def block(seconds: float) -> timing.Block:
        def run() -> float:
            speed[0] *= slowdown
            return seconds * speed[0]

        return run

    return block


def test_ratios_survive_a_drifting_machine() -> None:
    block = drifting(1.1)
    samples = timing.measure({"fastnn": block(1.0), "torch": block(2.0), timing.AGAIN: block(1.0)}, 16)
    assert timing.ratio(samples["fastnn"], samples["torch"]).median == pytest.approx(0.5, rel=0.01)
    noise = timing.ratio(samples[timing.AGAIN], samples["fastnn"])
    assert noise.median == pytest.approx(1.0, rel=0.03)
    assert noise.low < 1 < noise.high


@pytest.mark.parametrize(("per_call", "expected"), [(1e-6, 10_000), (3e-3, 3), (1.0, 1)])
def test_iterations_fill_a_block(per_call: float, expected: int) -> None:
    assert timing.iterations(lambda n: n * per_call, 0.01) == expected


# --- worker processes ---
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not pin processes")
def test_workers_on_as_many_threads_share_their_processors(worker: Worker) -> None:
    worker.ask("processor_seconds")  # it has started, then
    other = Worker("numpy", threads=1)
    other.ask("processor_seconds")
    processors = [os.sched_getaffinity(process.pid or 0) for process in (worker.process, other.process)]
    other.close()
    assert processors[0] == processors[1]
    assert len(processors[0]) == 1


def test_worker_reports_what_went_wrong(worker: Worker) -> None:
    with pytest.raises(RuntimeError, match=r"failed in prepare\('nothing',\):(.|\n)*KeyError"):
        worker.ask("prepare", "nothing")


def test_worker_that_dies_is_named() -> None:
    process = Worker("numpy", threads=1)
    assert "version" in process.ask("versions")
    process.process.kill()
    with pytest.raises(RuntimeError, match="the numpy worker died before it answered versions"):
        process.ask("versions")
    process.close()


def test_settling_waits_for_other_threads() -> None:
    """A thread that computes is seen; one that sleeps is not, nor the one that asks."""
    assert not any_thread_runs()
    stop = Event()
    spinning = Thread(target=lambda: [None for _ in iter(stop.is_set, True)])
    spinning.start()
    assert any(any_thread_runs() for _ in range(1000))
    stop.set()
    spinning.join()
    settle()
    assert not any_thread_runs()


def test_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTNN_BENCH_A", "1")
    monkeypatch.delenv("FASTNN_BENCH_B", raising=False)
    with environment({"FASTNN_BENCH_A": "2", "FASTNN_BENCH_B": "3"}):
        assert (os.environ["FASTNN_BENCH_A"], os.environ["FASTNN_BENCH_B"]) == ("2", "3")
    assert os.environ["FASTNN_BENCH_A"] == "1"
    assert "FASTNN_BENCH_B" not in os.environ


class FakeWorker:
    """Answers like a worker whose results are off by a share and whose blocks take a given time."""

    def __init__(self, seconds: float, off: float) -> None:
        self.seconds, self.off, self.asked = seconds, off, list[str]()
        self.peaks: list[float] = []

    def ask(self, method: str, *arguments: Any) -> Any:
        self.asked.append(method)
        if method == "prepare":
            self.flops = CASES[arguments[0]].flops
            return [array * (1 + self.off) for array in CASES[arguments[0]].reference()]
        if method == "block" and self.flops:
            self.peaks.append(2 * self.flops / self.seconds)
        if method == "clocked":
            return self.peaks
        return {"iterations": 7, "block": self.seconds, "drop": None, "processor_seconds": 0.0}[method]

    def send(self, *question: Any) -> None:
        self.question = question

    def receive(self) -> Any:
        return self.ask(*self.question)


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> report.Row:
    seconds = iter([(10.0, 20.0), (10.5, 30.0)])
    monkeypatch.setattr(machine, "_seconds", lambda: next(seconds))
    monkeypatch.setattr(compare, "process_time", lambda: 0.0)
    workers: dict[str, Any] = {
        "fastnn": FakeWorker(1e-3, 0.0),
        "torch": FakeWorker(2e-3, 1e-3),
        "numpy": FakeWorker(4e-3, 0.0),
        timing.AGAIN: FakeWorker(1.1e-3, 0.0),
    }
    options = compare.parse(["--pairs", "4"])
    case = CASES["linear forward 64x64x64 float32"]
    return compare.run_case(case, workers, 2, case.reference, options)


# --- report ---
def test_row_of_a_case(row: report.Row) -> None:
    assert (row.threads, row.pairs, row.limit, row.background) == (2, 4, "float32", 0.05)
    assert row.ratio == timing.Spread(0.5, 0.5, 0.5)
    assert row.numpy_ratio == timing.Spread(0.25, 0.25, 0.25)
    assert row.noise.median == pytest.approx(1.1)
    assert row.error["torch"] == pytest.approx(1e-3)
    assert row.rate == pytest.approx(2 * 64**3 / 1e-3)
    assert row.share({"float32": 2 * 64**3 / 1e-3 * 2}) == pytest.approx(0.5)
    assert row.clocked == timing.Spread(0.5, 0.5, 0.5)


def test_a_row_bound_by_memory_has_no_clock(row: report.Row) -> None:
    measured = report.Measured({"fastnn": [1.0], "torch": [2.0], timing.AGAIN: [1.0]}, [], 0.0)
    case = CASES["relu forward 128x512"]
    assert report.make_row(case, 1, {"fastnn": 0.0, "torch": 0.0}, measured).clocked is None


def test_worker_measures_multiply_adds_after_each_block() -> None:
    worker = Worker("fastnn", threads=1)
    try:
        peaks = {}
        for name in ("linear forward 64x64x64 float32", "relu forward 128x512"):
            worker.ask("prepare", name)
            for _ in range(3):
                worker.ask("block", 1)
            peaks[name] = worker.ask("clocked")
    finally:
        worker.close()
    bound_by_arithmetic, bound_by_memory = peaks.values()
    assert len(bound_by_arithmetic) == 3
    assert min(bound_by_arithmetic) > 0
    assert bound_by_memory == []


def with_ratio(row: report.Row, spread: timing.Spread, target: float) -> report.Row:
    return replace(row, ratio=spread, target=target)


def test_verdict_needs_more_than_noise(row: report.Row) -> None:
    assert row.verdict == ""
    assert with_ratio(row, timing.Spread(1.1, 1.01, 1.2), 1.0).verdict == "slower"
    assert with_ratio(row, timing.Spread(1.1, 0.99, 1.2), 1.0).verdict == "over target"
    assert with_ratio(row, timing.Spread(0.6, 0.5, 0.7), 0.5).verdict == "over target"


LIMITS = {"float32": 1e11, "float64": 5e10, "triad": 2e10}


def test_table_has_limits_rows_and_geometric_mean(row: report.Row) -> None:
    slow = with_ratio(row, timing.Spread(2.0, 1.9, 2.1), 1.0)
    limits, _, first, second, mean = report.table([row, slow], LIMITS).splitlines()
    assert "float32 100 GFLOP/s, float64 50 GFLOP/s, triad 20.0 GB/s" in limits
    assert first.startswith("linear forward 64x64x64 float32")
    assert "1 ms       2 ms   0.500" in first
    assert second.endswith("slower")
    assert mean == "geometric mean of the ratios to torch: 1.000; slower in 1 of 2"


def test_table_marks_rows_that_others_disturbed(row: report.Row) -> None:
    disturbed = replace(row, background=0.5)
    *_, quiet, marked, _, footnote = report.table([row, disturbed], LIMITS).splitlines()
    assert marked == quiet + " !"
    assert footnote == "others kept the machine busy in 1 rows, marked !"


@pytest.mark.parametrize(
    ("seconds", "text"), [(5e-8, "50 ns"), (1.234e-5, "12.3 us"), (0.5, "500 ms"), (2.0, "2 s")]
)
def test_duration(seconds: float, text: str) -> None:
    assert report.duration(seconds) == text


def test_results_are_written_whole(
    row: report.Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compare, "RESULTS", tmp_path / "results")
    compare.save("mine", {"cpu": "a processor"}, [row], {2: LIMITS})
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["mine.json", "mine.png"]
    content = json.loads((tmp_path / "results" / "mine.json").read_text())
    assert content["cpu"] == "a processor"
    assert content["limits"]["2"] == LIMITS
    assert content["rows"][0]["ratio"] == {"median": 0.5, "low": 0.5, "high": 0.5}
    assert content["rows"][0]["share_of_limit"] == pytest.approx(2 * 64**3 / 1e-3 / 1e11)
    assert (tmp_path / "results" / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert "mine.json" in capsys.readouterr().out


def test_plot_has_a_panel_per_thread_count(row: report.Row) -> None:
    other = replace(row, threads=1)
    figure = plot.draw([row, other, row], "title")
    assert [axis.get_title() for axis in figure.axes] == [
        "1 thread(s); geometric mean 0.50",
        "2 thread(s); geometric mean 0.50",
    ]
    assert [len(axis.patches) for axis in figure.axes] == [1, 2]


# --- the rest of the command ---
def test_options() -> None:
    full, quick = compare.parse([]), compare.parse(["--quick"])
    assert (full.threads, full.pairs, full.filter) == ([1, 2], 15, "")
    assert quick.pairs < full.pairs
    assert quick.seconds < full.seconds
    chosen = compare.parse(["--quick", "--threads", "3", "--pairs", "2"])
    assert (chosen.threads, chosen.pairs) == ([3], 2)


def test_quick_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    few = compare.quick([CASES["Adam 10M"], CASES["relu forward 32x128"]])
    assert [case.name for case in few] == ["relu forward 32x128"]
    assert "leaves out 1 large cases: Adam 10M" in capsys.readouterr().out


def test_large_cases_take_fewer_pairs() -> None:
    worker: Any = FakeWorker(1e-3, 0.0)
    case = replace(CASES["relu forward 32x128"], large=True)
    for pairs, expected in (("15", compare.LARGE_PAIRS), ("2", 2)):
        workers = dict.fromkeys(["fastnn", "torch", timing.AGAIN], worker)
        row = compare.run_case(case, workers, 1, case.reference, compare.parse(["--pairs", pairs]))
        assert row.pairs == expected


def test_a_filter_that_matches_nothing_lists_the_cases() -> None:
    with pytest.raises(SystemExit, match=r"no case matches 'nothing'(.|\n)*gather 64 rows"):
        compare.main(["--filter", "nothing"])


def test_default_name() -> None:
    assert compare.default_name("AMD EPYC (7R13)", "avx2") == "amd-epyc-7r13-avx2"


def test_limits_are_the_best_of_both_measurements() -> None:
    assert compare.best({"a": 1.0, "b": 4.0}, {"a": 2.0, "b": 3.0}) == {"a": 2.0, "b": 4.0}


def test_others_are_the_busy_time_that_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, own = iter([(100.0, 200.0), (115.0, 240.0)]), iter([3.0, 8.0])
    monkeypatch.setattr(machine, "_seconds", lambda: next(seconds))
    with machine.others(lambda: next(own)) as share:
        pass
    assert share == [pytest.approx((15 - 5) / 40)]


def shares(monkeypatch: pytest.MonkeyPatch, values: Sequence[float]) -> list[float]:
    """Makes others() give these shares one after the other; returns those still to come."""
    left = list(values)

    @contextmanager
    def others(own: Callable[[], float]) -> Iterator[list[float]]:
        yield [left.pop(0)]

    monkeypatch.setattr(machine, "others", others)
    return left


@pytest.mark.parametrize(("patience", "left"), [(0.0, [0.9, 0.05, 0.4]), (60.0, [0.4])])
def test_waiting_for_a_quiet_machine(
    patience: float, left: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    to_come = shares(monkeypatch, [0.9, 0.05, 0.4])
    machine.wait_for_quiet(patience)
    assert to_come == left


@pytest.mark.parametrize(
    ("patience", "values", "expected"),
    [("0", [0.9, 0.0], 1), ("1", [0.5, 0.01, 0.0], 2), ("1", [0.9, 0.3, 0.5, 0.4], 2)],
)
def test_patience_repeats_and_keeps_the_least_disturbed(
    patience: str, values: list[float], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares(monkeypatch, values)
    monkeypatch.setattr(machine, "wait_for_quiet", lambda patience: None)
    blocks = iter(range(1, 100))
    options = compare.parse(["--patience", patience, "--pairs", "1"])
    worker: Any = FakeWorker(1e-3, 0.0)
    measured = compare.least_disturbed(
        {"fastnn": lambda: float(next(blocks))}, {"fastnn": worker}, 1, options
    )
    assert measured.samples == {"fastnn": [float(expected)]}  # the number of the try
    assert measured.background == values[expected - 1]


def test_machine_facts_can_be_written() -> None:
    facts = machine.describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["cpu"]
    assert isinstance(facts["avx512"], bool)


def test_machine_facts_do_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert machine.describe()["commit"] == ""


def test_installed_bytes_counts_the_whole_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weighed" / "inner").mkdir(parents=True)
    (tmp_path / "weighed" / "__init__.py").write_bytes(b"#" * 10)
    (tmp_path / "weighed" / "inner" / "data").write_bytes(b"#" * 20)
    monkeypatch.syspath_prepend(tmp_path)
    assert import_cost.installed_bytes("weighed") == 30
    assert import_cost.installed(["weighed", "no_such_package"]) == ["weighed"]
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        import_cost.installed_bytes("no_such_package")


def test_import_is_timed_in_a_fresh_interpreter() -> None:
    assert import_cost.import_seconds("json") > 0
    with pytest.raises(CalledProcessError):
        import_cost.import_seconds("no_such_package")


def test_import_cost_text() -> None:
    lines = import_cost.text({"fastnn": {"import_ms": 12.34, "megabytes": 2.5}}).splitlines()
    assert lines[1] == "fastnn                12.3 ms       2.5 MB"


# --- cost against size ---
@pytest.mark.parametrize("family", sizes.FAMILIES)
def test_smallest_size_of_a_family_can_be_called(family: str) -> None:
    _, sized = sizes.FAMILIES[family]
    size, flops, elements, call = next(sized())
    assert size > 0
    assert (flops > 0) != (elements > 0)
    call()


def points() -> list[sizes.Point]:
    """A product at 100, 50 and 30 % of a peak of 1, and 1, 1.2 and 3 ns an element."""
    shares = [sizes.Point("product", "n", n, n, 0, n / share) for n, share in ((1, 1), (2, 0.5), (3, 0.3))]
    costs = [sizes.Point("sum", "elements", n, 0, n, n * ns * 1e-9) for n, ns in ((1, 1), (2, 1.2), (3, 3))]
    return shares + costs


def test_cliffs_are_jumps_within_a_family() -> None:
    assert sizes.cliffs(points(), 1.0) == [
        "product: 2 costs 2.00 times 1 a unit",
        "product: 3 costs 1.67 times 2 a unit",
        "sum: 3 costs 2.50 times 2 a unit",
    ]


def test_sizes_have_a_panel_per_axis() -> None:
    figure = sizes.draw(points(), 1.0, "title")
    assert [axis.get_xlabel() for axis in figure.axes][:2] == ["n", "elements"]
    assert [len(axis.lines) for axis in figure.axes][:2] == [1, 1]
