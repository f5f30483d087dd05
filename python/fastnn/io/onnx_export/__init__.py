"""Nets as ONNX files: one function a layer type, found by the type of the layer."""

from fastnn.io.onnx_export.export import export_onnx

__all__ = ["export_onnx"]
