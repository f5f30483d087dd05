"""Gradients, curvature and surface of a net's loss, and what went wrong in its training."""

from fastnn.analysis.critical_point import CriticalPoint, Escape, classify_critical_point, escape_saddle
from fastnn.analysis.diagnosis import Diagnosis, diagnose
from fastnn.analysis.directions import filter_normalised_direction, path_directions
from fastnn.analysis.flat import flat_gradient, flat_parameters, set_flat_parameters
from fastnn.analysis.hessian import hessian, hessian_vector_product, sharpness, top_eigenvalues
from fastnn.analysis.layers import gradient_norms
from fastnn.analysis.path import ParameterPath
from fastnn.analysis.surface import LossLine, LossSurface, loss_line, loss_surface

__all__ = [
    "CriticalPoint",
    "Diagnosis",
    "Escape",
    "LossLine",
    "LossSurface",
    "ParameterPath",
    "classify_critical_point",
    "diagnose",
    "escape_saddle",
    "filter_normalised_direction",
    "flat_gradient",
    "flat_parameters",
    "gradient_norms",
    "hessian",
    "hessian_vector_product",
    "loss_line",
    "loss_surface",
    "path_directions",
    "set_flat_parameters",
    "sharpness",
    "top_eigenvalues",
]
