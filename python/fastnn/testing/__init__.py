"""Checks for layers and operations of your own: gradients, and what fastnn promises of its layers."""

from fastnn.testing.gradcheck import gradcheck
from fastnn.testing.layer import check_layer

__all__ = ["check_layer", "gradcheck"]
