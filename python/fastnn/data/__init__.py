"""Batches from arrays."""

from fastnn.data.array_loader import ArrayLoader

__all__ = ["ArrayLoader"]
