"""The loss along one direction from the model's parameters, or over a plane of two."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.analysis.objective import as_vector, study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastnn.nn import Module
    from fastnn.train.batches import Array


@dataclass(frozen=True)
class LossLine:
    """The loss at steps along one direction; step 0 is where the model is.

    Attributes
    ----------
    steps, losses : float64 arrays of shape (S,)

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis
    >>> analysis.LossLine(np.array([0.0, 1.0]), np.array([4.0, 1.0])).losses
    array([4., 1.])
    """

    steps: Array
    losses: Array

    def plot(self, path: str | PathLike[str] | None = None, ax: Axes | None = None) -> Figure:
        """Draw the curve into a figure of its own or into `ax`, and write it to `path` where one is given.

        Returns the figure, which pyplot does not know of; ImportError without matplotlib.
        """
        from fastnn.analysis.plotting import plot_line

        return plot_line(self, path, ax)


@dataclass(frozen=True)
class LossSurface:
    """The loss over a plane; (0, 0) is where the model is.

    Attributes
    ----------
    first_steps : float64 array of shape (A,)
    second_steps : float64 array of shape (B,)
    losses : float64 array of shape (A, B)

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis
    >>> analysis.LossSurface(np.zeros(1), np.zeros(2), np.zeros((1, 2))).losses.shape
    (1, 2)
    """

    first_steps: Array
    second_steps: Array
    losses: Array

    def plot(
        self,
        path: str | PathLike[str] | None = None,
        ax: Axes | None = None,
        *,
        trajectory: Any = None,
    ) -> Figure:
        """Draw contour lines of the loss, spaced evenly in its logarithm, and a trajectory over them.

        Parameters
        ----------
        path : path, optional
            Also write the picture there.
        ax : matplotlib.axes.Axes, optional
            Draw into this panel of yours.
        trajectory : array of shape (T, 2), optional
            Coordinates in the plane, such as the third result of `path_directions`.

        Returns
        -------
        matplotlib.figure.Figure
            Not registered with pyplot.

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        from fastnn.analysis.plotting import plot_surface

        return plot_surface(self, path, ax, trajectory)


def loss_line(model: Module, loss: Any, data: Any, direction: Any, steps: Any = None) -> LossLine:
    """The loss at θ + s d for each step s.

    Parameters
    ----------
    model, loss, data
        As for `flat_gradient`; the model stays where it is.
    direction : array of shape (n,)
        Such as `filter_normalised_direction`, an eigenvector, or the way to another model's parameters.
    steps : array of shape (S,), optional
        51 from -1 to 1 by default.

    Raises
    ------
    TypeError, ValueError
        As `flat_gradient`, and for a direction or steps of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Linear(1, 1, bias=False)
    >>> analysis.set_flat_parameters(model, [1.0])
    >>> data = np.ones((1, 1)), np.zeros((1, 1))
    >>> line = analysis.loss_line(model, nn.MSELoss(), data, direction=[1.0], steps=[-1.0, 0.0, 1.0])
    >>> line.losses
    array([0., 1., 4.])
    """
    distances = _as_steps("loss_line", "steps", np.linspace(-1.0, 1.0, 51) if steps is None else steps)
    with study(model, loss, data) as objective:
        d = as_vector("loss_line", "direction", direction, objective.start.size)
        losses = [objective.value(objective.start + step * d) for step in distances]
    return LossLine(distances, np.array(losses))


def loss_surface(
    model: Module,
    loss: Any,
    data: Any,
    first: Any,
    second: Any,
    first_steps: Any = None,
    second_steps: Any = None,
) -> LossSurface:
    """The loss at θ + a d1 + b d2 for each pair of steps.

    Parameters
    ----------
    model, loss, data
        As for `flat_gradient`; the model stays where it is.
    first, second : arrays of shape (n,)
        The directions d1 and d2.
    first_steps, second_steps : arrays of shape (A,) and (B,), optional
        25 from -1 to 1 by default.

    Raises
    ------
    TypeError, ValueError
        As `loss_line`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> analysis.set_flat_parameters(model, [0.0, 0.0])
    >>> data = np.ones((1, 1)), np.ones((1, 1))
    >>> analysis.loss_surface(model, nn.MSELoss(), data, [1, 0], [0, 1], [0, 1], [0, 1, 2]).losses
    array([[1., 1., 1.],
           [1., 0., 1.]])
    """
    op, default = "loss_surface", np.linspace(-1.0, 1.0, 25)
    rows = _as_steps(op, "first_steps", default if first_steps is None else first_steps)
    columns = _as_steps(op, "second_steps", default if second_steps is None else second_steps)
    with study(model, loss, data) as objective:
        start = objective.start
        d1, d2 = (as_vector(op, name, d, start.size) for name, d in (("first", first), ("second", second)))
        losses = [[objective.value(start + a * d1 + b * d2) for b in columns] for a in rows]
    return LossSurface(rows, columns, np.array(losses))


def _as_steps(op: str, name: str, value: Any) -> Array:
    steps = np.asarray(value, dtype=np.float64)
    if steps.ndim != 1 or not len(steps):
        raise ValueError(f"[{op}] expected {name} to be a list of numbers, got shape {steps.shape}")
    return steps
