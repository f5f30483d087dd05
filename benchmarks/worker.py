"""One library in a process of its own, driven over a pipe.

In one process PyTorch's OpenMP threads spin on the other core for a while after a call and slow
whoever runs next. Here a worker answers only when its process has gone quiet, and then blocks.
"""

import gc
import os
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import repeat
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from threading import get_native_id
from time import perf_counter, process_time, sleep
from typing import Any

from benchmarks import timing
from benchmarks.case import Array, Call, Library, outputs
from benchmarks.cases import CASES

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "FASTNN_NUM_THREADS")
AT_ONCE, LONG = 1, 100  # milliseconds of multiply-adds: at the clock that a block has left, and at their own
QUIET_AFTER = 0.5  # seconds; a pool that spins longer than this never sleeps
TASKS = Path("/proc/self/task")


def settle() -> None:
    """Waits until no other thread of this process runs or wants to."""
    deadline = perf_counter() + QUIET_AFTER
    while any_thread_runs() and perf_counter() < deadline:
        sleep(1e-4)


def any_thread_runs() -> bool:
    """Whether another thread of this process runs, or waits for a processor to run on."""
    own = str(get_native_id())
    return any(thread_state(task) == "R" for task in TASKS.iterdir() if task.name != own)


def thread_state(task: Path) -> str:
    """R for a thread that runs or waits for a processor; gone ones have none."""
    try:
        # The name before it, in parentheses, may hold anything.
        return (task / "stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


class Server:
    """The worker's side: one method a request."""

    def __init__(self, library: Library, threads: int) -> None:
        self.library = library
        set_threads(library, threads)
        gc.freeze()  # PyTorch alone is a hundred thousand objects, which each collection would visit

    def versions(self) -> dict[str, str]:
        return library_facts(self.library)

    def prepare(self, name: str) -> list[Array]:
        """Builds a case and returns what its first calls give."""
        self.case = CASES[name]
        self.arrays = self.case.arrays(self.case.dtype)
        self.peaks: list[float] = []
        self.call: Call = self.case.make(self.library, self.arrays)
        with self._mode():
            return outputs(self.call, self.case.check_calls)

    def iterations(self, seconds: float) -> int:
        return timing.iterations(self._run, seconds)

    def block(self, n: int) -> float:
        """Seconds per call over n calls, warmed up by a few more."""
        if self.case.rebuild:
            self.call = self.case.make(self.library, self.arrays)
        self._run(max(1, n // 5))
        seconds = self._run(n) / n
        if self.library == "fastnn" and self.case.flops:
            self.peaks.append(fma_peak(self.case.dtype, AT_ONCE))
        return seconds

    def clocked(self) -> list[float]:
        """FLOP/s of multiply-adds alone right after each block since the last question.

        Vectors at full rate lower the clock of some processors by a fifth, for milliseconds.
        """
        peaks, self.peaks = self.peaks, []
        return peaks

    def faults(self, n: int) -> float:
        """Minor page faults per call over n calls."""
        before = getrusage(RUSAGE_SELF).ru_minflt
        self._run(n)
        return (getrusage(RUSAGE_SELF).ru_minflt - before) / n

    def processor_seconds(self) -> float:
        return process_time()

    def drop(self) -> None:
        del self.call, self.arrays
        gc.collect()

    def limits(self, elements: int) -> dict[str, float]:
        """FLOP/s and bytes/s that this machine gives right now, on this worker's threads."""
        from fastnn import _core

        return {
            "float32": fma_peak("float32", LONG),
            "float64": fma_peak("float64", LONG),
            "triad": _core.triad(elements, 5),
        }

    def _mode(self) -> AbstractContextManager[Any]:
        if self.library != "torch" or self.case.autograd:
            return nullcontext()
        import torch

        mode: AbstractContextManager[Any] = torch.inference_mode()
        return mode

    def _run(self, n: int) -> float:
        call = self.call
        gc.disable()
        try:
            with self._mode():
                start = perf_counter()
                for _ in repeat(None, n):
                    call()
                return perf_counter() - start
        finally:
            gc.enable()


def fma_peak(dtype: str, milliseconds: int) -> float:
    """FLOP/s of multiply-adds alone, the best quarter of a millisecond of those that fit."""
    from fastnn import _core

    return _core.fma_peak(dtype, milliseconds)


def set_threads(library: Library, threads: int) -> None:
    """NumPy has no call for it: its BLAS reads the environment at import."""
    if library == "torch":
        import torch

        torch.set_num_threads(threads)
    elif library == "fastnn":
        import fastnn

        fastnn.set_num_threads(threads)


def library_facts(library: Library) -> dict[str, str]:
    if library == "fastnn":
        import fastnn
        from fastnn import _core

        return {"version": fastnn.__version__, "isa": fastnn.isa(), **_core.build_info()}
    if library == "torch":
        import torch

        return {"version": torch.__version__, "isa": torch.backends.cpu.get_cpu_capability()}
    import numpy as np

    blas = np.show_config("dicts")["Build Dependencies"]["blas"]
    return {"version": np.__version__, "blas": f"{blas['name']} {blas['version']}"}


def pin(threads: int) -> None:
    """Keeps this process to the same processors as the others on as many threads.

    Those of a shared machine are not equally fast: two workers that ran the same code, each on a core of its
    own, differed by a half.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def serve(connection: Connection, library: Library, threads: int) -> None:
    """Answers (method, arguments) until the other end hangs up."""
    pin(threads)
    server = Server(library, threads)
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer = getattr(server, method)(*arguments)
            settle()
            connection.send((True, answer))
        except Exception:
            connection.send((False, traceback.format_exc()))


class Worker:
    """The driver's side of one process."""

    def __init__(self, library: Library, threads: int) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        with environment({name: str(threads) for name in THREAD_VARIABLES}):
            self.process = context.Process(target=serve, args=(theirs, library, threads), daemon=True)
            self.process.start()
        theirs.close()
        self.library = library

    def ask(self, method: str, *arguments: object) -> Any:
        self.send(method, *arguments)
        return self.receive()

    def send(self, method: str, *arguments: object) -> None:
        """Lets the worker begin; `receive` gives its answer."""
        self._asked = f"{method}{arguments}"
        with self._alive():
            self._connection.send((method, arguments))

    def receive(self) -> Any:
        with self._alive():
            fine, answer = self._connection.recv()
        if not fine:
            raise RuntimeError(f"the {self.library} worker failed in {self._asked}:\n{answer}")
        return answer

    @contextmanager
    def _alive(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError) as error:
            raise RuntimeError(f"the {self.library} worker died before it answered {self._asked}") from error

    def close(self) -> None:
        self._connection.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets variables for the processes started inside."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
