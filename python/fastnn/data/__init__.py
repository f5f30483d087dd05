"""Batches from arrays, and the scaling of their features."""

from fastnn.data.array_loader import ArrayLoader
from fastnn.data.standard_scaler import StandardScaler

__all__ = ["ArrayLoader", "StandardScaler"]
