"""How large the gradient is in each layer: where it fades on the way back, the first layers learn nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.analysis.objective import study

if TYPE_CHECKING:
    from fastnn.nn import Module


def gradient_norms(model: Module, loss: Any, data: Any) -> dict[str, float]:
    """The Euclidean norm of the gradient in each module that holds parameters itself, from first to last.

    Parameters
    ----------
    model, loss, data
        As for `flat_gradient`.

    Returns
    -------
    dict of str to float
        By the names of `Module.named_modules`.

    Raises
    ------
    TypeError, ValueError
        As `flat_gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import analysis, nn
    >>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> analysis.set_flat_parameters(model, [3.0, 2.0])
    >>> data = np.ones((1, 1)), np.zeros((1, 1))
    >>> analysis.gradient_norms(model, nn.MSELoss(), data)  # of (3 * 2)^2
    {'0': 24.0, '1': 36.0}
    """
    with study(model, loss, data) as objective:
        objective.gradient(objective.start)
        squares = {
            name: [float(np.square(p.grad).sum()) for _, p in module._own_parameters() if p.grad is not None]
            for name, module in model.named_modules()
            if any(True for _ in module._own_parameters())
        }
        return {name: float(np.sqrt(sum(found))) for name, found in squares.items()}
