"""Print versions, instruction sets, threads and CUDA: the block to paste into a report of a bug."""

from __future__ import annotations

import argparse

from fastnn.runtime import show_config


def add_options(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(options: argparse.Namespace) -> int:
    """Print it."""
    show_config()
    return 0
