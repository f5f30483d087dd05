"""C19. Convolution: each output sees a small field, and all outputs share the field's weights.

Seen: a convolution equals a fully connected layer whose matrix is zero outside of the fields and repeats the
same few numbers; stacking small kernels widens the field; how the border is padded shows at the border only;
filters that look for edges, and the maps of where they find them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import Array, digits, panels, parse, save, table

import fastnn
import fastnn.functional as F
from fastnn import nn

RAMP = [1.0, 2.0, 3.0, 4.0, 5.0]
STACKS: dict[str, list[dict[str, Any]]] = {
    "3 x 3": [{"kernel_size": 3}],
    "3 x 3, twice": [{"kernel_size": 3}] * 2,
    "3 x 3, three times": [{"kernel_size": 3}] * 3,
    "3 x 3, stride 2, twice": [{"kernel_size": 3, "stride": 2}] * 2,
    "2 x 5, a rectangle": [{"kernel_size": (2, 5)}],
    "3 x 3, dilation 3": [{"kernel_size": 3, "dilation": 3}],
}
FILTERS = {
    "left edge": [[-1, 0, 1]] * 3,
    "right edge": [[1, 0, -1]] * 3,
    "upper edge": [[-1] * 3, [0] * 3, [1] * 3],
    "lower edge": [[1] * 3, [0] * 3, [-1] * 3],
}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Compare with a matrix, measure fields, pad, and draw feature maps."""
    options = parse(__doc__, arguments)
    matrix, difference, weights = as_matrix()
    used = int((matrix != 0).sum())
    print(f"a matrix of {matrix.shape[0]} x {matrix.shape[1]}: {matrix.size} numbers, {used} not zero,")
    print(f"{weights} different ones, the kernel's; outputs differ by {difference:.1e} at most\n")
    fields = {name: receptive_field(stack) for name, stack in STACKS.items()}
    table(("kernels", "field of one output"), [(n, f"{h} x {w}") for n, (h, w) in fields.items()])
    borders = {mode: averaged(mode) for mode in ("zeros", "mean", "replicate")}
    table(("means of 3 x 3 cells, padded by", *RAMP), [(m, *values) for m, values in borders.items()])
    images = digits(images=True)[1][0][[0, 8]]
    kernels = np.array(list(FILTERS.values()), np.float32)[:, None]
    maps = F.relu(F.conv2d(images, kernels, padding=1))
    save(draw(matrix, images, kernels, maps), options, __file__)
    return {
        "difference": difference,
        "matrix": matrix.size,
        "weights": weights,
        "fields": fields,
        "borders": borders,
    }


def as_matrix() -> tuple[Array, float, int]:
    """The matrix of a convolution, how far its product is from the layer, and how many numbers it repeats."""
    fastnn.manual_seed(0)
    layer = nn.Conv2d(1, 2, (3, 2), stride=(2, 1), bias=False, dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((5, 1, 7, 6))
    y = layer(x)
    matrix = np.zeros(y.shape[1:] + x.shape[2:])
    weight = layer.weight.data
    for o, row, column in np.ndindex(y.shape[1:]):
        matrix[o, row, column, 2 * row : 2 * row + 3, column : column + 2] = weight[o, 0]
    flat = matrix.reshape(y[0].size, x[0].size)
    difference = float(abs(F.linear(x.reshape(5, -1), flat) - y.reshape(5, -1)).max())
    return flat, difference, len(np.unique(flat[flat != 0]))


def receptive_field(stack: list[dict[str, Any]]) -> tuple[int, int]:
    """Height and width of the inputs on which one output depends: where its gradient is not zero."""
    layers = [nn.Conv2d(1, 1, **options) for options in stack]
    for layer in layers:
        layer.weight.data.fill(1.0)
    model = nn.Sequential(*layers)
    y = model(np.zeros((1, 1, 33, 33), np.float32))
    unit = np.zeros_like(y)
    unit[0, 0, y.shape[2] // 2, y.shape[3] // 2] = 1.0
    rows, columns = np.nonzero(model.backward(unit)[0, 0])
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def averaged(mode: Any) -> list[float]:
    """The middle row of a plane with columns 1 to 5, each cell replaced by the mean of the 3 x 3 about it."""
    kernel = np.full((1, 1, 3, 3), 1 / 9)
    y = F.conv2d(np.tile(RAMP, (1, 1, 5, 1)), kernel, padding=1, padding_mode=mode)
    return [round(float(value), 9) for value in y[0, 0, 2]]


def draw(matrix: Array, images: Array, kernels: Array, maps: Array) -> Any:
    """Filters above, images on the left, maps between; the matrix beside them."""
    figure, axes = panels(6, rows=3, width=1.5, height=1.5)
    for ax in axes.ravel():
        ax.axis("off")
    for column, (name, kernel) in enumerate(zip(FILTERS, kernels, strict=True), start=1):
        axes[0, column].imshow(kernel[0], cmap="RdBu_r", vmin=-1, vmax=1)
        axes[0, column].set_title(name, fontsize=9)
        for row, image_maps in enumerate(maps, start=1):
            axes[row, column].imshow(image_maps[column - 1], cmap="viridis")
    for row, image in enumerate(images, start=1):
        axes[row, 0].imshow(image[0], cmap="gray_r")
    grid = axes[0, 5].get_gridspec()
    for ax in axes[:, 5]:
        ax.remove()
    last = figure.add_subplot(grid[:, 5])
    limit = abs(matrix).max()
    last.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    last.set_title("a convolution\nas a matrix", fontsize=9)
    last.set(xticks=[], yticks=[], xlabel="inputs", ylabel="outputs")
    return figure


if __name__ == "__main__":
    main()
