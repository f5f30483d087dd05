"""Weights and checkpoints as safetensors files. Loading runs no code."""

from fastnn.io.checkpoint import load_checkpoint, save_checkpoint
from fastnn.io.weights import load_weights, save_weights

__all__ = ["load_checkpoint", "load_weights", "save_checkpoint", "save_weights"]
