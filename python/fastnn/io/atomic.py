"""Files that are there whole or not at all, whenever the process or the machine dies."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a temporary file beside `path`, and move it into the place of `path` once it is on the disk.

    Readers see the old file or the new one. What a killed process left behind is removed by the next call.
    """
    target = Path(path).resolve()  # a link stays one: what it names is replaced
    if target.is_dir():
        raise IsADirectoryError(f"expected the name of a file, got the folder {target}")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    _remove_abandoned(target)
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(target.parent)  # the new name is on the disk, too


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(target: Path) -> None:
    prefix, suffix = f".{target.name}.", ".tmp"
    for path in target.parent.iterdir():
        owner = path.name.removeprefix(prefix).removesuffix(suffix)
        if path.name == f"{prefix}{owner}{suffix}" and owner.isdecimal() and not _is_running(int(owner)):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return process != os.getpid()
