"""All parameters of a model, and the gradient by all of them, as one vector.

The order is that of `Module.parameters()`, each array in C order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.analysis.objective import as_vector, joined, spread, study

if TYPE_CHECKING:
    from fastnn.nn import Module
    from fastnn.train.batches import Array


def flat_parameters(model: Module) -> Array:
    """All parameters as one vector.

    Parameters
    ----------
    model : Module

    Returns
    -------
    float64 array of shape (n,), a copy

    Raises
    ------
    ValueError
        For a model without parameters.

    Examples
    --------
    >>> from fastnn import analysis, nn
    >>> analysis.flat_parameters(nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))).shape
    (11,)
    """
    return joined([parameter.data for parameter in model.parameters()])


def set_flat_parameters(model: Module, vector: Any) -> None:
    """Write a vector, such as `flat_parameters` gives, into the parameters, in their own dtypes.

    Parameters
    ----------
    model : Module
    vector : array of shape (n,)

    Raises
    ------
    ValueError
        For a vector of another length, or with elements that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Linear(2, 1)
    >>> analysis.set_flat_parameters(model, np.array([1.0, 2.0, 3.0]))
    >>> model.weight.data, model.bias.data
    (array([[1., 2.]], dtype=float32), array([3.], dtype=float32))
    """
    parameters = list(model.parameters())
    length = sum(parameter.data.size for parameter in parameters)
    spread(as_vector("set_flat_parameters", "vector", vector, length), parameters)


def flat_gradient(model: Module, loss: Any, data: Any) -> Array:
    """The gradient of the loss over `data` by all parameters, as one vector.

    In float64 whatever the dtype of the model, in training mode but without dropout: batch norm takes the
    statistics of each batch. Nothing of the model changes, its gradients and running statistics included.

    Parameters
    ----------
    model : Module
    loss : Module
        With reduction "mean" or "sum".
    data : pair of arrays (x, y), or loader of such pairs
        Arrays are taken in batches of 512, in their order; a mean is the mean over all samples. A loader has
        to give the same batches each time it is asked.

    Returns
    -------
    float64 array of shape (n,)

    Raises
    ------
    TypeError, ValueError
        For data as in `fit`, a loss with reduction "none", a model without parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Linear(3, 1, bias=False)
    >>> analysis.set_flat_parameters(model, np.zeros(3))
    >>> data = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[6.0], [15.0]])
    >>> analysis.flat_gradient(model, nn.MSELoss(), data)
    array([ -66.,  -87., -108.])
    """
    with study(model, loss, data) as objective:
        return objective.gradient(objective.start)
