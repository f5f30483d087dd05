"""Batches from arrays and local files, random changes of them, and the scaling of features."""

from fastnn.data import transforms
from fastnn.data.array_loader import ArrayLoader
from fastnn.data.cifar import read_cifar
from fastnn.data.idx import read_idx
from fastnn.data.standard_scaler import StandardScaler

__all__ = ["ArrayLoader", "StandardScaler", "read_cifar", "read_idx", "transforms"]
