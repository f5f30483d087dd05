"""fastnn on CuPy arrays against PyTorch on the same GPU: a table and a JSON file.

    python benchmarks/gpu_compare.py                       all cases
    python benchmarks/gpu_compare.py --filter 'conv2d' --out benchmarks/results/gpu

Three times a call: "kernel" by CUDA events around one call, with the L2 cache flushed before; "eager" by the
wall clock over many calls, the time of Python included; "graph" by replays of a captured CUDA graph. Each is
the median of at least 20. Inputs are random, results are checked against float64 in the same run, and TF32 is
off on both sides. "limit" is the share of the copy bandwidth, or of the rate of a large matrix product, that
this run measured.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.case import Call, Case
from benchmarks.cases import select

REPEATS, EAGER_SECONDS, FLUSH_BYTES = 20, 0.05, 256 << 20
LIBRARIES = ("fastnn", "torch")
OPERATIONS = "linear|conv2d|pool2d|_norm|relu|softmax|cross_entropy|mse|Adam|RMSprop|SGD|Adagrad|step"


def build(case: Case, library: str) -> Call:
    arrays = case.arrays(case.dtype)
    if library == "torch":
        import torch

        return case.builders["torch"](*(torch.from_numpy(a).cuda() for a in arrays))
    import cupy

    return case.builders["fastnn"](*map(cupy.asarray, arrays))


def host(result: Any) -> Iterator[np.ndarray]:
    """The arrays in a result, on the host."""
    if isinstance(result, (tuple, list)):
        for item in result:
            yield from host(item)
    elif hasattr(result, "get"):
        yield result.get()
    elif hasattr(result, "detach"):
        yield result.detach().cpu().numpy()
    elif result is not None:
        yield np.asarray(result)


def error(case: Case, library: str) -> float:
    call = build(case, library)
    for _ in range(case.check_calls - 1):
        call()
    return case.error([np.asarray(a, np.float64) for a in host(call())], case.reference())


def kernel_seconds(call: Call) -> float:
    """By events, from a cold L2 cache."""
    import cupy

    start, end = cupy.cuda.Event(), cupy.cuda.Event()
    flush, times = cupy.empty(FLUSH_BYTES, cupy.uint8), []
    for _ in range(REPEATS + 3):
        flush.fill(0)
        start.record()
        call()
        end.record()
        end.synchronize()
        times.append(cupy.cuda.get_elapsed_time(start, end) * 1e-3)
    return float(median(times[3:]))


def eager_seconds(call: Call, synchronize: Callable[[], None]) -> float:
    """By the wall clock, many calls in a row."""

    def seconds(n: int) -> float:
        synchronize()
        began = perf_counter()
        for _ in range(n):
            call()
        synchronize()
        return (perf_counter() - began) / n

    calls = max(REPEATS, int(EAGER_SECONDS / max(seconds(3), 1e-7)))
    return median(seconds(calls) for _ in range(5))


def graph_seconds(case: Case, library: str, synchronize: Callable[[], None]) -> float | None:
    """Replays of the captured call; None where it cannot be captured."""
    call = build(case, library)
    try:
        return eager_seconds(torch_graph(call) if library == "torch" else fastnn_graph(call), synchronize)
    except Exception as refusal:
        print(f"  {case.name}: {library} is not captured: {refusal}".splitlines()[0], flush=True)
        return None


def torch_graph(call: Call) -> Call:
    import torch

    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    side.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    replay: Call = graph.replay
    return replay


def fastnn_graph(call: Call) -> Call:
    import fastnn

    return fastnn.cuda.graph(call)


def limits() -> dict[str, float]:
    """Bytes a second of a copy, read and write, and FLOP a second of a large float32 product."""
    import cupy
    import torch

    a = cupy.random.random(1 << 28, dtype=cupy.float32)
    b = cupy.empty_like(a)
    x = torch.randn(8192, 8192, device="cuda")
    copy = kernel_seconds(lambda: cupy.copyto(b, a))
    product = kernel_seconds(lambda: torch.mm(x, x))
    return {"copy": 2 * a.nbytes / copy, "product": 2 * 8192**3 / product}


def row(case: Case, rates: dict[str, float]) -> dict[str, Any]:
    import torch

    seconds: dict[str, dict[str, float | None]] = {}
    with torch.set_grad_enabled(case.autograd):
        for library in LIBRARIES:
            call = build(case, library)
            call()
            kernel, eager = kernel_seconds(call), eager_seconds(call, torch.cuda.synchronize)
            graph = graph_seconds(case, library, torch.cuda.synchronize)
            seconds[library] = {"kernel": kernel, "eager": eager, "graph": graph}
        errors = {library: error(case, library) for library in LIBRARIES}
    work, limit = (case.flops, "product") if case.flops else (case.least_bytes, "copy")
    share = work / (seconds["fastnn"]["kernel"] or 1.0) / rates[limit]
    facts = {"name": case.name, "op": case.op, "share": share, "limit": limit}
    return facts | {"seconds": seconds, "error": errors}


def text(line: dict[str, Any]) -> str:
    ours, theirs = (line["seconds"][library] for library in LIBRARIES)

    def ratio(kind: str) -> str:
        return f"{ours[kind] / theirs[kind]:7.2f}" if ours[kind] and theirs[kind] else "      -"

    micro = " ".join(f"{1e6 * (ours[kind] or float('nan')):9.1f}" for kind in ("kernel", "eager", "graph"))
    ratios = " ".join(ratio(kind) for kind in ("kernel", "eager", "graph"))
    errors = " ".join(f"{line['error'][library]:8.1e}" for library in LIBRARIES)
    return f"{line['name']:44} {micro} us  {ratios}  {line['share']:6.0%} {line['limit']:8} {errors}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Times the cases that match and writes the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--filter", default=OPERATIONS, metavar="REGEX", help="only cases whose name matches")
    parser.add_argument("--out", type=Path, default=machine.ROOT / "benchmarks/results/gpu", metavar="FOLDER")
    options = parser.parse_args(arguments)
    import fastnn

    if reason := fastnn.cuda.reason_unavailable():
        raise SystemExit(f"nothing to measure: {reason}")
    import cupy
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    device = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    rates = limits()
    copy, product = rates["copy"] / 1e9, rates["product"] / 1e12
    print(f"{device}: copy {copy:.0f} GB/s, float32 product {product:.1f} TFLOP/s")
    print(f"{'case':44} {'kernel':>9} {'eager':>9} {'graph':>9}     fastnn / PyTorch          limit    error")
    rows = []
    for case in select(options.filter):
        if not re.search("channels_last|float64", case.name):
            rows.append(row(case, rates))
            print(text(rows[-1]), flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{re.sub(r'[^a-z0-9]+', '-', device.lower()).strip('-')}.json"
    versions = {"torch": torch.__version__, "cupy": cupy.__version__, "fastnn": fastnn.__version__}
    content = {"device": device, "versions": versions, "limits": rates, "rows": rows}
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"written: {path}")


if __name__ == "__main__":
    main()
