"""What to tell a user whose compiled core does not load."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path


def explain(error: ImportError) -> str:
    """The likely reason and the way out, for the message of the ImportError that users see."""
    folder = Path(__file__).parent
    built = sorted(path.name for path in folder.glob("_core*") if path.suffix in (".so", ".pyd"))
    python = f"Python {sys.version_info.major}.{sys.version_info.minor} on {sysconfig.get_platform()}"
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    if not built:
        reason = (
            f"{folder} holds no compiled _core, so it is the source tree or an unfinished install. "
            "Run Python outside the source tree"
        )
    elif f"_core{suffix}" not in built:
        reason = f"{folder} holds {', '.join(built)}, but {python} needs _core{suffix}. Use a matching Python"
    else:
        reason = f"{folder} holds {built[0]}, but {python} cannot load it. Use the system it was built on"
    return (
        f"fastnn's compiled core could not be imported ({error}).\n{reason}, "
        "or build it again from the source tree: pip install --force-reinstall ."
    )
