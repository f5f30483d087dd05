"""The 3x3 convolutions of stride 1 with algorithm="winograd", against PyTorch's own choice.

The FLOP are those of the definition, so a share of the limit may lie above 100 %.
"""

from dataclasses import replace

from benchmarks.bench_conv2d import LARGE_LAYERS, LAYERS, backward, forward

CASES = [
    direction(replace(layer, label=f"{layer.label} winograd", algorithm="winograd"), last=last)
    for direction in (forward, backward)
    for layer in (*LAYERS, *LARGE_LAYERS)
    if (layer.kernel, layer.stride, layer.groups) == (3, 1, 1) and layer.channels >= 16
    for last in (False, True)[: 1 if layer.large else 2]
]
