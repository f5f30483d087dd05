"""C7. Softmax: outputs of any size become probabilities, and the gaps between them grow.

Seen: 3, 1 and -3 become 0.88, 0.12 and about 0; they add up to 1, and a larger gap leaves less to the others;
for two classes softmax is the sigmoid of the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from _common import BLUE, RED, panels, parse, save, table

import fastnn.functional as F

LOGITS = np.array([3.0, 1.0, -3.0])


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Show three outputs at several scales, and the case of two classes."""
    options = parse(__doc__, arguments)
    probabilities = F.softmax(LOGITS)
    scales = (0.5, 1.0, 2.0, 4.0)
    scaled = {f"{s:g} x (3, 1, -3)": F.softmax(s * LOGITS) for s in scales}
    rows = [(name, *(f"{value:.4f}" for value in (*p, p.sum()))) for name, p in scaled.items()]
    table(("outputs", "p1", "p2", "p3", "sum"), rows)
    pairs = np.random.default_rng(0).normal(0, 5, (1000, 2))
    difference = float(abs(F.softmax(pairs)[:, 0] - F.sigmoid(pairs[:, 0] - pairs[:, 1])).max())
    print(f"two classes: softmax and sigmoid of the difference are within {difference:.1e}\n")
    figure, (left, right) = panels(2, width=4.0)
    places = np.arange(3)
    left.bar(places - 0.2, LOGITS / LOGITS.max(), 0.4, color=BLUE, label="outputs / 3")
    left.bar(places + 0.2, probabilities, 0.4, color=RED, label="softmax")
    left.axhline(0, color="black", linewidth=0.8)
    left.set(title="Outputs 3, 1, -3", xticks=places, xticklabels=["class 1", "class 2", "class 3"])
    left.legend(frameon=False)
    gaps = np.linspace(-6, 6, 121)
    two = F.softmax(np.stack([gaps, np.zeros_like(gaps)], axis=1))[:, 0]
    right.plot(gaps, two, color=RED, linewidth=4, alpha=0.5, label="softmax, class 1")
    right.plot(gaps, F.sigmoid(gaps), "--", color=BLUE, label="sigmoid")
    right.set(title="Two classes", xlabel="output 1 - output 2")
    right.legend(frameon=False)
    save(figure, options, __file__)
    return {
        "probabilities": probabilities.tolist(),
        "largest": [float(F.softmax(s * LOGITS)[0]) for s in scales],
        "sum": float(probabilities.sum()),
        "difference": difference,
    }


if __name__ == "__main__":
    main()
