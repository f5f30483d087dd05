"""The commands of `python -m fastnn`. They are for the terminal, so they print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fastnn.commands import bench, demo, info


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 where all went well, 1 where something is missing, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m fastnn", description="fastnn: neural networks on plain arrays, at native speed."
    )
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    for name, module in (("info", info), ("bench", bench), ("demo", demo)):
        text = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=text, description=module.__doc__)
        module.add_options(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(argv)
    try:
        code: int = options.run(options)
    except ImportError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return code
