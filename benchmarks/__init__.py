"""fastnn against PyTorch and NumPy, measured side by side: `python benchmarks/compare.py --help`."""
