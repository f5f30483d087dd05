"""How far `fit` has come: a tqdm bar where tqdm is installed, else one line rewritten in place.

Both write to stderr, and only where somebody watches (a terminal or a notebook). Texts are formatted ten
times a second at most, so a batch costs a clock reading.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Protocol

from fastnn.backend import to_host

_INTERVAL = 0.1


class Progress(Protocol):
    """What `fit` calls."""

    def begin_epoch(self, epoch: int) -> None: ...
    def advance(self, samples: int, loss: float) -> None: ...
    def end_epoch(self, logs: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


class Silent:
    """No output."""

    def begin_epoch(self, epoch: int) -> None: ...
    def advance(self, samples: int, loss: float) -> None: ...
    def end_epoch(self, logs: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


class _Watched:
    """Counts samples and hands texts to `_show` now and then."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._epoch = 0
        self._pending = 0
        self._results = ""
        self._shown_at = perf_counter()

    def begin_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def advance(self, samples: int, loss: float) -> None:
        self._pending += samples
        if perf_counter() - self._shown_at >= _INTERVAL:
            self._update(f"loss {float(to_host(loss)):.4f}  {self._results}")

    def end_epoch(self, logs: Mapping[str, float]) -> None:
        self._results = "  ".join(f"{n} {v:.4f}" for n, v in logs.items() if n.startswith("val_"))
        if perf_counter() - self._shown_at >= _INTERVAL or self._epoch == self._epochs:
            self._update("  ".join(f"{n} {v:.4f}" for n, v in logs.items()))

    def _update(self, results: str) -> None:
        self._show(f"epoch {self._epoch}/{self._epochs}", results.rstrip(), self._pending)
        self._pending = 0
        self._shown_at = perf_counter()

    def _show(self, epoch: str, results: str, samples: int) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Bar(_Watched):
    """A tqdm bar over all samples of all epochs."""

    def __init__(self, tqdm: Any, epochs: int, first_epoch: int, samples: int | None) -> None:
        super().__init__(epochs)
        total = None if samples is None else samples * (epochs - first_epoch + 1)
        self._bar = tqdm(total=total, unit=" samples", unit_scale=True, file=sys.stderr, dynamic_ncols=True)

    def _show(self, epoch: str, results: str, samples: int) -> None:
        self._bar.set_description_str(epoch, refresh=False)
        self._bar.set_postfix_str(results, refresh=False)
        self._bar.n += samples  # update() would apply an interval of its own on top
        self._bar.refresh()

    def close(self) -> None:
        self._bar.close()


class Line(_Watched):
    """One line, for terminals without tqdm."""

    def __init__(self, epochs: int) -> None:
        super().__init__(epochs)
        self._began_at = perf_counter()
        self._samples = 0
        self._width = 0

    def _show(self, epoch: str, results: str, samples: int) -> None:
        self._samples += samples
        rate = self._samples / max(perf_counter() - self._began_at, 1e-9)
        text = f"{epoch}  {results}  {rate:,.0f} samples/s"
        sys.stderr.write("\r" + text.ljust(self._width))  # spaces hide what a longer line left behind
        sys.stderr.flush()
        self._width = len(text)

    def close(self) -> None:
        if self._width:
            sys.stderr.write("\n")
            sys.stderr.flush()


def make_progress(wanted: bool, epochs: int, first_epoch: int, samples: int | None) -> Progress:
    """The display for epochs `first_epoch` to `epochs` of `samples` samples each (None: not known)."""
    in_notebook = "ipykernel" in sys.modules
    if not wanted or not (in_notebook or _is_terminal(sys.stderr)):
        return Silent()
    try:
        if in_notebook:
            from tqdm.auto import tqdm
        else:
            from tqdm import tqdm
    except ImportError:
        return Line(epochs)
    return Bar(tqdm, epochs, first_epoch, samples)


def _is_terminal(stream: Any) -> bool:
    return stream is not None and stream.isatty()
