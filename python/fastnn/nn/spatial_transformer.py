"""A layer that learns to turn, scale and move its input before others look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import as_bool
from fastnn.backend import kernels_for
from fastnn.functional._window import pair
from fastnn.nn.module import Module

if TYPE_CHECKING:
    from fastnn._core import Array
    from fastnn.functional._window import IntOrPair
    from fastnn.functional.grid_sample import SamplePadding


class SpatialTransformer(Module):
    """Sample each image at the affine grid that a small net chooses for it.

    Jaderberg et al., "Spatial transformer networks", 2015: theta = localization(x), one (2, 3) for each
    image, and y = grid_sample(x, affine_grid(theta)), bilinear. The gradient goes to the image by both ways.

    Parameters
    ----------
    localization : Module
        From images (N, C, H, W) to N rows of 6 numbers, in any shape. Start it at the identity: the weight of
        its last layer 0, the bias (1, 0, 0, 0, 1, 0).
    output_size : int or (h, w), optional
        Of the planes of the result; those of the input without it.
    padding_mode : "zeros" or "border"
        Beyond the plane lie zeros, or its nearest cell.
    align_corners : bool
        Whether -1 and 1 are the centres of the first and the last cell, or the outer edges of these.

    Raises
    ------
    TypeError
        For a localization that is no module.
    ValueError
        For an unknown padding_mode, or, in a call, a localization of other than 6 numbers for each image.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn
    >>> head = nn.Linear(16, 6, dtype=np.float64)
    >>> head.weight.data[:] = 0
    >>> head.bias.data[:] = [1, 0, 0, 0, 1, 0]
    >>> layer = nn.SpatialTransformer(nn.Sequential(nn.Flatten(), head))
    >>> x = np.random.default_rng(0).standard_normal((2, 1, 4, 4))
    >>> bool(np.allclose(layer(x), x))  # the identity, so far
    True
    >>> layer.backward(np.ones((2, 1, 4, 4))).shape
    (2, 1, 4, 4)
    >>> head.bias.grad.shape
    (6,)
    """

    _kept: tuple[Array, Array, tuple[int, ...], tuple[int, ...]] | None = None

    def __init__(
        self,
        localization: Module,
        output_size: IntOrPair | None = None,
        padding_mode: SamplePadding = "zeros",
        align_corners: bool = False,
    ) -> None:
        name = "SpatialTransformer"
        if not isinstance(localization, Module):
            raise TypeError(
                f"[{name}] expected localization to be a module, got {type(localization).__name__}"
            )
        if padding_mode not in ("zeros", "border"):
            raise ValueError(f'[{name}] expected padding_mode "zeros" or "border", got {padding_mode!r}')
        self.localization = localization
        self.output_size = None if output_size is None else pair(name, "output_size", output_size, 1)
        self.padding_mode: SamplePadding = padding_mode
        self.align_corners = as_bool(name, "align_corners", align_corners)

    def forward(self, x: Array) -> Array:
        """The images, each at its own grid."""
        kernels = kernels_for(x, "SpatialTransformer", "x")
        if x.ndim != 4:
            raise ValueError(f"[SpatialTransformer] expected x of shape (N, C, H, W), got {x.shape}")
        found = self.localization.forward(x)
        if found.shape[:1] != x.shape[:1] or found.size != 6 * len(x):
            raise ValueError(
                f"[SpatialTransformer] expected localization to give 6 numbers for each of {len(x)} images, "
                f"got shape {found.shape}"
            )
        size = (*x.shape[:2], *(self.output_size or x.shape[2:]))
        grid = kernels.affine_grid(found.reshape(-1, 2, 3), size, self.align_corners, None)
        self._kept = (x, grid, size, found.shape) if self.training else None
        y: Array = kernels.grid_sample(x, grid, *self._sampling(), None)
        return y

    def backward(self, grad_output: Array) -> Array:
        """The gradient by the images, through the sampling and through the grid."""
        grad_x, grad_found = self._gradients(grad_output, needs=(True, True))
        total: Array = np.add(grad_x, self.localization.backward(grad_found), out=grad_x)
        return total

    def backward_parameters(self, grad_output: Array) -> None:
        """`backward` of the localization alone, without the gradient by the images."""
        _, grad_found = self._gradients(grad_output, needs=(False, True))
        self.localization.backward_parameters(grad_found)

    def _gradients(self, grad_output: Array, needs: tuple[bool, bool]) -> tuple[Any, Array]:
        """By the images through the sampling, and by what the localization gave."""
        if self._kept is None:
            self._no_forward()
        x, grid, size, shape = self._kept
        kernels = kernels_for(grad_output, "SpatialTransformer.backward", "grad_output")
        grad_x, grad_grid = kernels.grid_sample_backward(grad_output, x, grid, *self._sampling(), needs, None)
        self._kept = None
        grad_theta = kernels.affine_grid_backward(grad_grid, size, self.align_corners, None)
        return grad_x, grad_theta.reshape(shape)

    def _sampling(self) -> tuple[str, str, bool]:
        return "bilinear", self.padding_mode, self.align_corners

    def extra_repr(self) -> str:
        """The options of the sampling."""
        return (
            f"output_size={self.output_size}, padding_mode={self.padding_mode!r}, "
            f"align_corners={self.align_corners}"
        )
