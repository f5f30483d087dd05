"""The layouts that views are tested in: those that `check_layer` tries on users' layers."""

from fastnn.testing.layouts import LAYOUTS

__all__ = ["LAYOUTS"]
