"""The history as a file that grows with each epoch."""

from __future__ import annotations

import csv
import json
from os import PathLike
from pathlib import Path
from typing import Any

from fastnn.train.callbacks.base import Callback, FitState


class _LogFile(Callback):
    """One line an epoch. A run that goes on with a history goes on with the file, others begin it anew.

    Lines of later epochs than the history's are dropped: of a run that died after its last checkpoint.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)

    def on_fit_begin(self, state: FitState) -> None:
        """Begin the file, or keep what belongs to the history."""
        if state.rank:
            return
        done, lines = len(state.history.epochs), []
        if done and self.path.exists():
            lines = [line for line in self.path.read_text().splitlines(True) if self._epoch(line) <= done]
        self.path.write_text("".join(lines))

    def on_epoch_end(self, state: FitState) -> None:
        """Add a line."""
        if state.rank == 0:
            self._add(self._row(state))

    def _epoch(self, line: str) -> int:
        raise NotImplementedError

    def _add(self, row: dict[str, Any]) -> None:
        raise NotImplementedError

    def _row(self, state: FitState) -> dict[str, Any]:
        return {"epoch": state.epoch, "seconds": state.history.seconds[-1], **state.logs}


class CSVLogger(_LogFile):
    """Write the values of each epoch into a CSV file.

    Parameters
    ----------
    path : path
        The first line names the columns: epoch, seconds, loss, and so on.

    Raises
    ------
    ValueError
        From `fit`, where the names of the values change, or do not fit a file that is gone on with.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastnn import nn, optim, train
    >>> model, data = nn.Linear(1, 2), (np.zeros((4, 1)), np.array([0, 1, 0, 1]))
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "log.csv")
    ...     logger = train.CSVLogger(path)
    ...     _ = train.fit(model, nn.CrossEntropyLoss(), optimizer, data, epochs=2, callbacks=[logger])
    ...     print(logger.path.read_text().splitlines()[0])
    epoch,seconds,loss
    """

    def _epoch(self, line: str) -> int:
        first = line.split(",")[0]
        return int(first) if first.isdecimal() else 0  # the header

    def _add(self, row: dict[str, Any]) -> None:
        with self.path.open("a+", newline="") as file:
            file.seek(0)
            header = next(csv.reader(file), None)
            writer = csv.DictWriter(file, header or list(row))
            if header is None:
                writer.writeheader()
            elif header != list(row):
                raise ValueError(f"[CSVLogger] expected values {header} as in {self.path}, got {list(row)}")
            writer.writerow(row)


class JSONLLogger(_LogFile):
    """Write the values of each epoch as one JSON object a line (JSON Lines).

    Parameters
    ----------
    path : path
        NaN and infinities are written as Python's json does: NaN, Infinity.

    Examples
    --------
    >>> import json, os, tempfile
    >>> import numpy as np
    >>> from fastnn import nn, optim, train
    >>> model, data = nn.Linear(1, 2), (np.zeros((4, 1)), np.array([0, 1, 0, 1]))
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "log.jsonl")
    ...     logger = train.JSONLLogger(path)
    ...     _ = train.fit(model, nn.CrossEntropyLoss(), optimizer, data, epochs=2, callbacks=[logger])
    ...     [sorted(json.loads(line)) for line in logger.path.read_text().splitlines()]
    [['epoch', 'loss', 'seconds'], ['epoch', 'loss', 'seconds']]
    """

    def _epoch(self, line: str) -> int:
        return int(json.loads(line)["epoch"])

    def _add(self, row: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
