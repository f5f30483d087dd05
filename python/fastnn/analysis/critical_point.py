"""Where the gradient is nearly zero: what kind of point it is, and how to leave a saddle.

The signs of the Hessian's eigenvalues decide. With positive ones only it is a minimum, with negative ones
only a maximum, with both a saddle; along the eigenvector of a negative one the loss falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from fastnn._checks import as_non_negative
from fastnn.analysis.flat import set_flat_parameters
from fastnn.analysis.hessian import extremes, matrix
from fastnn.analysis.objective import Objective, study

if TYPE_CHECKING:
    from fastnn.nn import Module
    from fastnn.train.batches import Array

Kind: TypeAlias = Literal["minimum", "maximum", "saddle", "flat", "not critical"]
HALVINGS = 40  # of a step, until the loss falls


@dataclass(frozen=True)
class CriticalPoint:
    """What `classify_critical_point` found.

    Attributes
    ----------
    kind : str
    loss, gradient_norm : float
    eigenvalues : float64 array of shape (n,), from the smallest
    positive_share : float
        Positive eigenvalues over all of them: 1 in a strict minimum. Near 1 in a point where training stops,
        it says that only few directions lead down.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis
    >>> analysis.CriticalPoint("saddle", 1.0, 0.0, np.array([-2.0, 2.0]), 0.5).kind
    'saddle'
    """

    kind: Kind
    loss: float
    gradient_norm: float
    eigenvalues: Array
    positive_share: float


def classify_critical_point(
    model: Module,
    loss: Any,
    data: Any,
    *,
    gradient_tolerance: float = 1e-3,
    eigenvalue_tolerance: float = 1e-6,
) -> CriticalPoint:
    """Say whether the loss has a minimum, a maximum or a saddle where the model is.

    By the whole Hessian, so for small nets. An eigenvalue counts as zero below `eigenvalue_tolerance` of the
    largest magnitude among them (or of 1, if all are smaller). Zero ones decide nothing: a net with more
    parameters than it needs has minima with flat directions.

    Parameters
    ----------
    model, loss, data
        As for `flat_gradient`.
    gradient_tolerance : float
        The largest gradient norm of a critical point.
    eigenvalue_tolerance : float

    Returns
    -------
    CriticalPoint
        Of kind "minimum", "maximum", "saddle", "flat" (all eigenvalues are zero), or "not critical".

    Raises
    ------
    TypeError, ValueError
        As `hessian`, and for negative tolerances.

    Examples
    --------
    The loss (1 - w1 w2)^2 at (0, 0):

    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> analysis.set_flat_parameters(model, [0.0, 0.0])
    >>> point = analysis.classify_critical_point(model, nn.MSELoss(), (np.ones((1, 1)), np.ones((1, 1))))
    >>> point.kind, point.eigenvalues.round(6), point.positive_share
    ('saddle', array([-2.,  2.]), 0.5)
    """
    op = "classify_critical_point"
    gradient_tolerance = as_non_negative(op, "gradient_tolerance", gradient_tolerance)
    tolerance = as_non_negative(op, "eigenvalue_tolerance", eigenvalue_tolerance)
    with study(model, loss, data) as objective:
        value = objective.value(objective.start)
        norm = float(np.linalg.norm(objective.gradient(objective.start)))
        eigenvalues = np.linalg.eigvalsh(matrix(objective, op))
    zero = tolerance * max(1.0, float(abs(eigenvalues).max()))
    kind = _kind(eigenvalues, zero) if norm <= gradient_tolerance else "not critical"
    return CriticalPoint(kind, value, norm, eigenvalues, float((eigenvalues > zero).mean()))


def _kind(eigenvalues: Array, zero: float) -> Kind:
    up, down = bool((eigenvalues > zero).any()), bool((eigenvalues < -zero).any())
    if up and down:
        return "saddle"
    if up:
        return "minimum"
    return "maximum" if down else "flat"


@dataclass(frozen=True)
class Escape:
    """What `escape_saddle` did.

    Attributes
    ----------
    eigenvalue : float
        The smallest one of the Hessian, negative.
    direction : float64 array of shape (n,)
        The step taken over its length: an eigenvector of that eigenvalue.
    distance, loss_before, loss_after : float

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis
    >>> analysis.Escape(-2.0, np.ones(1), 1.0, 1.0, 0.25).loss_after
    0.25
    """

    eigenvalue: float
    direction: Array
    distance: float
    loss_before: float
    loss_after: float


def escape_saddle(model: Module, loss: Any, data: Any, *, distance: float = 1.0) -> Escape:
    """Leave a saddle along the eigenvector of the Hessian's smallest eigenvalue, where the loss falls.

    Both ways along it are tried, with `distance` first and then half of the last, until the loss is lower;
    the parameters are moved there.

    Parameters
    ----------
    model, loss, data
        As for `flat_gradient`.
    distance : float
        The longest step, > 0.

    Returns
    -------
    Escape

    Raises
    ------
    ImportError, TypeError
        As `top_eigenvalues`.
    ValueError
        As `top_eigenvalues`, where no eigenvalue is negative, and for distance <= 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> analysis.set_flat_parameters(model, [0.0, 0.0])
    >>> escape = analysis.escape_saddle(model, nn.MSELoss(), (np.ones((1, 1)), np.ones((1, 1))))
    >>> escape.loss_before, round(escape.loss_after, 6)  # (1 - 0.5)^2
    (1.0, 0.25)
    """
    op = "escape_saddle"
    distance = as_non_negative(op, "distance", distance)
    if distance == 0.0:
        raise ValueError("[escape_saddle] expected distance > 0, got 0")
    with study(model, loss, data) as objective:
        values, vectors = extremes(objective, op, 1, "SA")
        if not values[0] < 0.0:
            raise ValueError(f"[{op}] expected a negative eigenvalue, got {values[0]:.3g} as the smallest")
        start, before = objective.start, objective.value(objective.start)
        step, after = _downhill(objective, vectors[:, 0], distance, before)
    set_flat_parameters(model, start + step)
    length = float(np.linalg.norm(step))
    return Escape(float(values[0]), step / length, length, before, after)


def _downhill(objective: Objective, direction: Array, distance: float, before: float) -> tuple[Array, float]:
    """The first of the steps that lowers the loss, and the loss after it."""
    for halving in range(HALVINGS):
        steps = [sign * distance / 2**halving * direction for sign in (1.0, -1.0)]
        losses = [objective.value(objective.start + step) for step in steps]
        best = int(np.argmin(losses))
        if losses[best] < before:
            return steps[best], losses[best]
    raise ValueError("[escape_saddle] expected a lower loss along negative curvature, got none")
