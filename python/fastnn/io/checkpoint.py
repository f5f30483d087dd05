"""All that a training run needs to go on: one file, one way in and one way out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from fastnn import random
from fastnn.io.tensors import read_tensors, write_tensors
from fastnn.io.tree import pack, unpack
from fastnn.io.weights import model_weights

if TYPE_CHECKING:
    from fastnn._core import Array
    from fastnn.nn import Module

VERSION = 1


def save_checkpoint(
    path: str | os.PathLike[str],
    model: Module,
    *,
    optimizer: Any = None,
    scheduler: Any = None,
    loader: Any = None,
    extra: Any = None,
) -> None:
    """Save a model and what moves it, so that training goes on bit for bit as if it had never stopped.

    The file is safetensors: the weights under PyTorch's names, the optimizer's arrays under names with a
    slash, all the rest as JSON in the metadata. No code is stored. It replaces an older file at once:
    whenever the process or the machine dies, one of the two is there whole.

    Parameters
    ----------
    path : path
    model : Module
    optimizer, scheduler, loader : optional
        Objects with `state_dict()`.
    extra : optional
        What else to keep: numbers, strings, arrays, and dicts, lists and tuples of these.

    Raises
    ------
    ImportError
        Without the package safetensors.
    TypeError
        For a state, or an `extra`, that holds anything else.
    OSError
        Where the file cannot be written; an older one stays.

    Notes
    -----
    The state of `fastnn.random` (dropout masks, initial weights) is saved, too.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastnn import io, nn, optim
    >>> model = nn.Linear(3, 2)
    >>> optimizer = optim.Adam(model.parameters(), lr=1e-3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.safetensors")
    ...     io.save_checkpoint(path, model, optimizer=optimizer, extra={"epoch": 7})
    ...     io.load_checkpoint(path, model, optimizer=optimizer)
    {'epoch': 7}
    """
    op = "save_checkpoint"
    tensors: dict[str, Array] = dict(model.state_dict())
    if any("/" in name for name in tensors):
        raise ValueError(f"[{op}] expected names without a slash in the model, got {sorted(tensors)}")
    parts = {"optimizer": optimizer, "scheduler": scheduler, "loader": loader}
    states = {name: part.state_dict() for name, part in parts.items() if part is not None}
    states |= {"random": random.get_state(), "extra": extra}
    packed = {name: pack(op, name, state, tensors) for name, state in states.items()}
    write_tensors(op, path, tensors, {"content": "checkpoint", "version": VERSION, "state": packed})


def load_checkpoint(
    path: str | os.PathLike[str],
    model: Module,
    *,
    optimizer: Any = None,
    scheduler: Any = None,
    loader: Any = None,
) -> Any:
    """Bring a model, and the others that are given, to where `save_checkpoint` found them.

    The state of `fastnn.random` is restored, too.

    Parameters
    ----------
    path : path
    model : Module
    optimizer, scheduler, loader : optional
        Made as those that were saved. What the file holds besides stays there.

    Returns
    -------
    What was saved as `extra`.

    Raises
    ------
    ImportError
        Without the package safetensors.
    FileNotFoundError
        Where there is no such file.
    ValueError
        For a file that is damaged (every part has a checksum), was not written by `save_checkpoint`, or
        holds no state for one of the objects, or one that does not fit. All objects are then as before.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastnn import io, nn
    >>> model, twin = nn.Linear(3, 2), nn.Linear(3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.safetensors")
    ...     io.save_checkpoint(path, model, extra="after 7 epochs")
    ...     io.load_checkpoint(path, twin)
    'after 7 epochs'
    >>> bool((twin.weight.data == model.weight.data).all())
    True
    """
    op = "load_checkpoint"
    tensors, description = read_tensors(op, path)
    if description is None or description.get("content") != "checkpoint":
        raise ValueError(f"[{op}] expected a file of save_checkpoint, got {os.fspath(path)!r}, which is none")
    if description["version"] > VERSION:
        raise ValueError(f"[{op}] expected version <= {VERSION}, got {description['version']}: update fastnn")
    states = {name: unpack(packed, tensors) for name, packed in description["state"].items()}
    parts = {"optimizer": optimizer, "scheduler": scheduler, "loader": loader}
    wanted = {name: part for name, part in parts.items() if part is not None}
    for name in wanted:
        if name not in states:
            raise ValueError(f"[{op}] expected a state of the {name} in {os.fspath(path)!r}, found none")
    with _all_or_nothing({"model": model, **wanted}):
        model.load_state_dict(model_weights(tensors))
        for name, part in wanted.items():
            part.load_state_dict(states[name])
        random.set_state(states["random"])
    return states["extra"]


@contextmanager
def _all_or_nothing(parts: Mapping[str, Any]) -> Iterator[None]:
    """Where the block fails, everything goes back to its former state."""
    former = [(part, deepcopy(part.state_dict())) for part in parts.values()]
    try:
        yield
    except BaseException:
        for part, state in former:
            part.load_state_dict(state)
        raise
