"""The comparison as rows, as a table for the eye and as JSON for the record."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.case import Case
from benchmarks.machine import QUIET
from benchmarks.timing import AGAIN, Spread, geometric_mean, ratio

HEADER = (
    f"{'case':42} {'fastnn':>10} {'torch':>10} {'ratio':>7} {'quartiles':>13} {'A/A':>13} "
    f"{'numpy':>7} {'limit':>10} {'clock':>6} {'error':>8} {'torch':>8}"
)


@dataclass(frozen=True)
class Measured:
    """Seconds per call of every block, by label, and the FLOP/s of multiply-adds alone right after fastnn's.

    background is the share of the machine that other processes used meanwhile.
    """

    samples: Mapping[str, Sequence[float]]
    peaks: Sequence[float]
    background: float


@dataclass(frozen=True)
class Row:
    """One case on one thread count; times in seconds per call, errors relative to float64.

    clocked: the share of multiply-adds alone, right after each block at the clock that it left.
    background: the share of the machine that other processes used meanwhile.
    """

    name: str
    op: str
    dtype: str
    threads: int
    pairs: int
    target: float
    seconds: dict[str, float]
    ratio: Spread
    noise: Spread
    numpy_ratio: Spread | None
    error: dict[str, float]
    rate: float
    limit: str
    clocked: Spread | None
    background: float

    @property
    def verdict(self) -> str:
        """Slower only where more than three quarters of the pairs say so."""
        if self.ratio.low > 1.0:
            return "slower"
        return "" if self.ratio.median <= self.target else "over target"

    def share(self, limits: Mapping[str, float]) -> float:
        """The rate as a share of the limit; above 1 when the data stay in a cache."""
        return self.rate / limits[self.limit]


def make_row(case: Case, threads: int, error: dict[str, float], measured: Measured) -> Row:
    samples = measured.samples
    mine = samples["fastnn"]
    alone = [case.flops / peak for peak in measured.peaks]  # seconds
    return Row(
        name=case.name,
        op=case.op,
        dtype=case.dtype,
        threads=threads,
        pairs=len(mine),
        target=case.target,
        seconds={label: median(sample) for label, sample in samples.items()},
        ratio=ratio(mine, samples["torch"]),
        noise=ratio(samples[AGAIN], mine),
        numpy_ratio=ratio(mine, samples["numpy"]) if "numpy" in samples else None,
        error=error,
        rate=(case.flops or case.least_bytes) / median(mine),
        limit=case.dtype if case.flops else "triad",
        clocked=ratio(alone, mine) if alone else None,
        background=measured.background,
    )


def duration(seconds: float) -> str:
    for unit, scale in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * scale < 1000:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def line(row: Row, limits: Mapping[str, float]) -> str:
    numpy_ratio = f"{row.numpy_ratio.median:7.2f}" if row.numpy_ratio else f"{'':7}"
    quartiles = f"{row.ratio.low:.2f} - {row.ratio.high:.2f}"
    noise = f"{row.noise.low:.2f} - {row.noise.high:.2f}"
    share = f"{row.share(limits):.0%} {'GB/s' if row.limit == 'triad' else 'FMA'}"
    clocked = f"{row.clocked.median:6.0%}" if row.clocked else f"{'':6}"
    return (
        f"{row.name:42} {duration(row.seconds['fastnn']):>10} {duration(row.seconds['torch']):>10} "
        f"{row.ratio.median:7.3f} {quartiles:>13} {noise:>13} {numpy_ratio} {share:>10} {clocked} "
        f"{row.error['fastnn']:8.1e} {row.error['torch']:8.1e} "
        f"{'!' if row.background > QUIET else ' '} {row.verdict}"
    ).rstrip()


def table(rows: Sequence[Row], limits: Mapping[str, float]) -> str:
    """All rows of one thread count, its limits above and the geometric mean below."""
    mean = geometric_mean([row.ratio.median for row in rows])
    slower = sum(row.verdict == "slower" for row in rows)
    disturbed = [row for row in rows if row.background > QUIET]
    return "\n".join(
        [
            f"{rows[0].threads} thread(s), {rows[0].pairs} pairs; limits: "
            f"float32 {limits['float32'] / 1e9:.0f} GFLOP/s, float64 {limits['float64'] / 1e9:.0f} GFLOP/s, "
            f"triad {limits['triad'] / 1e9:.1f} GB/s",
            HEADER,
            *(line(row, limits) for row in rows),
            f"geometric mean of the ratios to torch: {mean:.3f}; slower in {slower} of {len(rows)}",
            *[f"others kept the machine busy in {len(disturbed)} rows, marked !"] * bool(disturbed),
        ]
    )


def document(
    facts: Mapping[str, object], rows: Iterable[Row], limits: Mapping[int, Mapping[str, float]]
) -> dict[str, object]:
    """What the JSON holds."""
    dumped = [{**asdict(row), "share_of_limit": row.share(limits[row.threads])} for row in rows]
    return {**facts, "limits": {str(n): dict(values) for n, values in limits.items()}, "rows": dumped}


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Writes beside the file and renames: a reader never meets half a result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(temporary, path)
