"""Fitted estimators as files and as copies: all but the net and its optimizer are plain values.

The net is made again from the parameters and filled with its weights, the optimizer with its state.
"""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastnn.io.tensors import read_tensors, write_tensors
from fastnn.io.tree import pack, unpack
from fastnn.sklearn.network import Flat
from fastnn.sklearn.solvers import make_optimizer

VERSION = 1
_TEXTS = "texts"  # marks an array of strings or other objects, which the format has no type for


class Saved:
    """`save` and `load` of an estimator, and its state for copies and other processes."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to a safetensors file, from which `load` makes an equal one.

        Raises
        ------
        ImportError
            Without the package safetensors.
        TypeError
            For a parameter that is no number, string, array or list of these, as a RandomState. `callbacks`
            are not saved.
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        tensors: dict[str, Any] = {}
        state: dict[str, Any] = {**self.__getstate__(), "callbacks": None}
        packed = {name: pack("save", name, _without_texts(value), tensors) for name, value in state.items()}
        description = {"content": "estimator", "version": VERSION, "class": type(self).__name__}
        write_tensors("save", path, tensors, {**description, "state": packed})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The estimator that `save` wrote: it predicts, and trains on, as that one would.

        Raises
        ------
        ImportError
            Without the package safetensors.
        FileNotFoundError
            Where there is no such file.
        ValueError
            For a file that is damaged, or holds no estimator of this class.
        """
        tensors, found = read_tensors("load", path)
        kind = found.get("class") if found is not None and found.get("content") == "estimator" else None
        if found is None or kind != cls.__name__:
            raise ValueError(
                f"[load] expected a file of {cls.__name__}.save, got {os.fspath(path)!r} of {kind}"
            )
        if found["version"] > VERSION:
            raise ValueError(f"[load] expected version <= {VERSION}, got {found['version']}: update fastnn")
        made = cls()
        state = {name: _with_texts(unpack(packed, tensors)) for name, packed in found["state"].items()}
        made.__setstate__(state)
        return made

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        state.pop("_flat", None)
        for name in ("_model", "_optimizer"):
            if state.get(name) is not None:
                state[name] = state[name].state_dict()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        weights, moments = state.get("_model"), state.get("_optimizer")
        plain = {name: value for name, value in state.items() if name not in ("_model", "_optimizer")}
        super().__setstate__(plain)  # type: ignore[misc]
        if weights is None:
            return
        made: Any = self
        made._model = made._make_model(next(iter(weights.values())).dtype)
        made._model.load_state_dict(weights)
        made._optimizer = None
        if moments is not None:
            made._flat = Flat(made._model)
            made._optimizer = make_optimizer(made, made._flat)
            made._optimizer.load_state_dict(moments)


def _without_texts(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
        return (_TEXTS, value.dtype.str, value.tolist())
    return value


def _with_texts(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 3 and value[0] == _TEXTS:
        return np.array(value[2], dtype=value[1])
    return value
