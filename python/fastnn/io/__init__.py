"""Weights and checkpoints as safetensors files, nets as ONNX files. Loading runs no code."""

from fastnn.io.checkpoint import load_checkpoint, save_checkpoint
from fastnn.io.onnx_export import export_onnx
from fastnn.io.weights import load_weights, save_weights

__all__ = ["export_onnx", "load_checkpoint", "load_weights", "save_checkpoint", "save_weights"]
