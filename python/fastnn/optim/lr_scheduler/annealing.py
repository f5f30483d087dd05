"""The way from one number to another, as a part in [0, 1] of it; both ends are met exactly."""

from __future__ import annotations

from math import pi, sin


def linear(start: float, end: float, part: float) -> float:
    """Along a straight line."""
    return start * (1.0 - part) + end * part


def cosine(start: float, end: float, part: float) -> float:
    """Along half a wave: end + (start - end) (1 + cos(pi part)) / 2.

    The share of start is written as a square of the sine, which keeps its digits where 1 + cos cancels.
    """
    share = sin(0.5 * pi * (1.0 - part)) ** 2
    return start * share + end * (1.0 - share)
