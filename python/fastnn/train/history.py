"""The record of a training run: one list of numbers a name, one number an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class History(Mapping[str, list[float]]):
    """A mapping of names (`"loss"`, `"val_loss"`, `"accuracy"`, ...) to one value per epoch.

    Attributes
    ----------
    epochs : list of int
        Numbers of the finished epochs, from 1.
    seconds : list of float
        Wall time of each epoch's training steps, validation not counted.

    Examples
    --------
    >>> from fastnn.train import History
    >>> history = History()
    >>> history.append({"loss": 0.5, "val_loss": 0.75}, seconds=1.0)
    >>> history["loss"], history.epochs
    ([0.5], [1])
    """

    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.seconds: list[float] = []
        self._values: dict[str, list[float]] = {}

    def __getitem__(self, name: str) -> list[float]:
        """The values of `name`, one an epoch; KeyError naming what there is."""
        try:
            return self._values[name]
        except KeyError:
            raise KeyError(f"no {name!r} in this history; it holds {list(self._values)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={values[-1]:.4g}" for name, values in self._values.items())
        return f"History({len(self.epochs)} epochs{': ' + last if last else ''})"

    def append(self, logs: Mapping[str, float], seconds: float = 0.0) -> None:
        """Add an epoch.

        A name that is new, or not in `logs`, holds NaN for the epochs that lack it, so all lists stay as
        long as `epochs`.
        """
        done = len(self.epochs)
        for name in logs:
            self._values.setdefault(name, [float("nan")] * done)
        for name, values in self._values.items():
            values.append(float(logs.get(name, float("nan"))))
        self.epochs.append(done + 1)
        self.seconds.append(float(seconds))

    def to_dict(self) -> dict[str, list[Any]]:
        """A copy in plain lists: `epochs`, `seconds` and every name; ready for `json.dump`."""
        lists: dict[str, list[Any]] = {"epochs": list(self.epochs), "seconds": list(self.seconds)}
        return lists | {name: list(values) for name, values in self._values.items()}

    def load_dict(self, lists: Mapping[str, list[Any]]) -> None:
        """Take what `to_dict` gave, in place of all values.

        Raises
        ------
        ValueError
            For lists of different lengths, or without `epochs` and `seconds`.

        Examples
        --------
        >>> from fastnn.train import History
        >>> history = History()
        >>> history.load_dict({"epochs": [1, 2], "seconds": [0.5, 0.25], "loss": [3.0, 2.0]})
        >>> history
        History(2 epochs: loss=2)
        """
        if not {"epochs", "seconds"} <= lists.keys() or len({len(values) for values in lists.values()}) != 1:
            lengths = {name: len(values) for name, values in lists.items()}
            raise ValueError(
                f"[History] expected epochs, seconds and values of one length, got lengths {lengths}"
            )
        self.epochs, self.seconds = list(lists["epochs"]), list(lists["seconds"])
        self._values = {n: list(v) for n, v in lists.items() if n not in ("epochs", "seconds")}

    def plot(self, path: str | PathLike[str] | None = None, ax: Axes | None = None) -> Figure:
        """Draw the learning curves with matplotlib.

        Losses go into one panel and metrics into another; a dotted line marks the best epoch, the one of
        the lowest validation loss (training loss without validation).

        Parameters
        ----------
        path : path, optional
            Also write the picture there; the suffix chooses the format.
        ax : matplotlib.axes.Axes, optional
            Draw the losses into this panel of yours instead, and nothing else.

        Returns
        -------
        matplotlib.figure.Figure
            Not registered with pyplot: nothing is shown, and no display is needed.

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            Before the first epoch has ended.
        """
        from fastnn.train.plotting import plot_history

        return plot_history(self, path, ax)
