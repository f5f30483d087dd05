"""Second derivatives of a loss, from products H v of the Hessian with a vector.

H v is the central difference (g(θ + h v) - g(θ - h v)) / 2h of the gradient g. Its error is h² times a fourth
derivative plus the rounding of g over h; both are balanced at h of the order of the cube root of the
precision, relative to θ (Nocedal and Wright, "Numerical Optimization", 2006, section 8.1). Where the gradient
is linear in θ, as for a linear model with squared error, the difference is exact up to rounding for any h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastnn._checks import as_int
from fastnn._optional import require
from fastnn.analysis.objective import Objective, as_vector, study

if TYPE_CHECKING:
    from fastnn.nn import Module
    from fastnn.train.batches import Array

LARGEST_HESSIAN = 4096  # elements on a side: 128 MiB
DENSE = 32  # up to this size, the full matrix takes no more products than Lanczos
_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


def hessian_vector_product(model: Module, loss: Any, data: Any, vector: Any) -> Array:
    """H v, the Hessian of the loss by all parameters times a vector.

    By central differences of the gradient in float64: correct to about 1e-9 of the size of H v for smooth
    losses, and to rounding where the gradient is linear. It takes two gradients.

    Parameters
    ----------
    model, loss, data
        As for `flat_gradient`.
    vector : array of shape (n,)

    Returns
    -------
    float64 array of shape (n,)

    Raises
    ------
    TypeError, ValueError
        As `flat_gradient`, and for a vector of another length.

    Notes
    -----
    A kink between the two points, as of ReLU, adds the jump of the gradient there.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Linear(2, 1, bias=False)
    >>> data = np.array([[1.0, 2.0]]), np.array([[0.0]])
    >>> analysis.hessian_vector_product(model, nn.MSELoss(), data, [1.0, 0.0]).round(6)  # 2 x x^T v
    array([2., 4.])
    """
    with study(model, loss, data) as objective:
        v = as_vector("hessian_vector_product", "vector", vector, objective.start.size)
        return product(objective, v)


def product(objective: Objective, v: Array) -> Array:
    """H v where the objective starts; 0 for v = 0."""
    length = float(np.linalg.norm(v))
    if length == 0.0:
        return np.zeros_like(v)
    at = objective.start
    h = _STEP * (1.0 + float(np.linalg.norm(at))) / length
    difference: Array = objective.gradient(at + h * v) - objective.gradient(at - h * v)
    difference /= 2.0 * h
    return difference


def hessian(model: Module, loss: Any, data: Any) -> Array:
    """The whole Hessian, column by column, made symmetric; two gradients a parameter element.

    Parameters
    ----------
    model, loss, data
        As for `flat_gradient`.

    Returns
    -------
    float64 array of shape (n, n)

    Raises
    ------
    TypeError, ValueError
        As `flat_gradient`, and for more than 4096 parameter elements.

    Examples
    --------
    The loss (1 - w1 w2)^2 at the saddle (0, 0):

    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> analysis.set_flat_parameters(model, [0.0, 0.0])
    >>> analysis.hessian(model, nn.MSELoss(), (np.ones((1, 1)), np.ones((1, 1)))).round(6) + 0.0
    array([[ 0., -2.],
           [-2.,  0.]])
    """
    with study(model, loss, data) as objective:
        return matrix(objective, "hessian")


def matrix(objective: Objective, op: str) -> Array:
    """The Hessian where the objective starts."""
    size = objective.start.size
    if size > LARGEST_HESSIAN:
        raise ValueError(
            f"[{op}] expected at most {LARGEST_HESSIAN} parameter elements for a full Hessian, got {size}"
        )
    columns = np.stack([product(objective, unit) for unit in np.eye(size)])
    symmetric: Array = (columns + columns.T) / 2.0
    return symmetric


def top_eigenvalues(
    model: Module, loss: Any, data: Any, k: int = 1, which: Literal["LA", "SA", "LM"] = "LA"
) -> tuple[Array, Array]:
    """Eigenvalues at an end of the Hessian's spectrum, with their eigenvectors, without the whole matrix.

    By Lanczos' method with restarts (`scipy.sparse.linalg.eigsh`) on Hessian-vector products.

    Parameters
    ----------
    model, loss, data
        As for `flat_gradient`.
    k : int
        How many, at most n.
    which : "LA", "SA" or "LM"
        The largest, the smallest, or those of the largest magnitude: scipy's names.

    Returns
    -------
    values : float64 array of shape (k,)
        The extreme one first.
    vectors : float64 array of shape (n, k)
        Columns of length 1.

    Raises
    ------
    ImportError
        Without scipy, for models of more than 32 parameter elements.
    TypeError, ValueError
        As `flat_gradient`, and for k or which out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Linear(2, 1, bias=False)
    >>> data = np.array([[3.0, 0.0], [0.0, 1.0]]), np.ones((2, 1))
    >>> values, vectors = analysis.top_eigenvalues(model, nn.MSELoss(), data)
    >>> values.round(6), abs(vectors[:, 0]).round(6)
    (array([9.]), array([1., 0.]))
    """
    with study(model, loss, data) as objective:
        return extremes(objective, "top_eigenvalues", k, which)


def extremes(objective: Objective, op: str, k: int, which: str) -> tuple[Array, Array]:
    """`top_eigenvalues` where the objective starts."""
    size = objective.start.size
    k = as_int(op, "k", k, minimum=1, maximum=size)
    if which not in ("LA", "SA", "LM"):
        raise ValueError(f"[{op}] expected which to be 'LA', 'SA' or 'LM', got {which!r}")
    if size <= max(DENSE, k + 1):
        values, vectors = np.linalg.eigh(matrix(objective, op))
    else:
        values, vectors = _lanczos(objective, op, k, which)
    order = np.argsort({"LA": -values, "SA": values, "LM": -abs(values)}[which], kind="stable")[:k]
    return values[order], vectors[:, order]


def _lanczos(objective: Objective, op: str, k: int, which: str) -> tuple[Array, Array]:
    linalg = require(op, "scipy.sparse.linalg")
    size = objective.start.size
    operator = linalg.LinearOperator(
        (size, size), matvec=lambda v: product(objective, v.ravel()), dtype=np.float64
    )
    # A fixed first vector gives the same bits each time; 1e-6 is far above the error of the products.
    first = np.random.default_rng(0).standard_normal(size)
    values, vectors = linalg.eigsh(operator, k=k, which=which, v0=first, tol=1e-6)
    return values, vectors


def sharpness(model: Module, loss: Any, data: Any) -> float:
    """The largest eigenvalue of the Hessian: how steeply the loss rises in its steepest direction.

    Gradient descent with a fixed learning rate is stable in a minimum only below 2 / sharpness (Cohen et al.,
    "Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability", ICLR 2021). It changes
    where a net is rescaled without changing what it computes: compare nets of one shape, trained alike.

    Parameters
    ----------
    model, loss, data
        As for `flat_gradient`.

    Raises
    ------
    ImportError, TypeError, ValueError
        As `top_eigenvalues`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> data = np.array([[3.0]]), np.array([[0.0]])
    >>> round(analysis.sharpness(nn.Linear(1, 1, bias=False), nn.MSELoss(), data), 6)  # of (3 w)^2
    18.0
    """
    with study(model, loss, data) as objective:
        return float(extremes(objective, "sharpness", 1, "LA")[0][0])
