"""A model's weights alone: a safetensors file under PyTorch's names and shapes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fastnn.io.tensors import read_tensors, write_tensors

if TYPE_CHECKING:
    from fastnn._core import Array
    from fastnn.nn import Module
    from fastnn.nn.state import IncompatibleKeys


def save_weights(model: Module, path: str | os.PathLike[str]) -> None:
    """Save the parameters and running statistics of `model`.

    The file is safetensors with the names of `model.state_dict()`, which are PyTorch's:
    `safetensors.torch.load_file` reads it for `load_state_dict`. It replaces an older file at once:
    whenever the process or the machine dies, one of the two is there whole.

    Parameters
    ----------
    model : Module
    path : path
        By custom with the suffix .safetensors.

    Raises
    ------
    ImportError
        Without the package safetensors.
    OSError
        Where the file cannot be written; an older one stays.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastnn import io, nn
    >>> model, twin = nn.Linear(3, 2), nn.Linear(3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "linear.safetensors")
    ...     io.save_weights(model, path)
    ...     io.load_weights(twin, path)
    IncompatibleKeys(missing_keys=[], unexpected_keys=[])
    >>> bool((twin.weight.data == model.weight.data).all())
    True
    """
    write_tensors("save_weights", path, model.state_dict(), {"content": "weights"})


def load_weights(model: Module, path: str | os.PathLike[str], *, strict: bool = True) -> IncompatibleKeys:
    """Load weights that `save_weights`, `save_checkpoint` or another library wrote as safetensors.

    Parameters
    ----------
    model : Module
        Gets the values by name; they are cast to its dtype.
    path : path
    strict : bool
        Refuse names that are on one side only.

    Returns
    -------
    IncompatibleKeys
        The names found on one side only.

    Raises
    ------
    ImportError
        Without the package safetensors.
    FileNotFoundError
        Where there is no such file.
    ValueError
        For a damaged file (each array that fastnn wrote has a checksum), one that is no safetensors file,
        or weights that do not fit. The model is then unchanged.

    Examples
    --------
    >>> from fastnn import io, nn
    >>> io.load_weights(nn.Linear(3, 2), "nowhere.safetensors")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [load_weights] expected a file, got 'nowhere.safetensors', which is none
    """
    tensors, _ = read_tensors("load_weights", path)
    return model.load_state_dict(model_weights(tensors), strict=strict)


def model_weights(tensors: dict[str, Array]) -> dict[str, Array]:
    """Without the arrays of optimizers and the like, whose names hold a slash."""
    return {name: array for name, array in tensors.items() if "/" not in name}
