"""What the losses share: the checked options of a call, and the form of its value."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastnn import _core
from fastnn._checks import as_int, as_non_negative
from fastnn.backend import as_array, is_gpu_array

if TYPE_CHECKING:
    from fastnn._core import Array, LossOptions, NLLOptions, Reduction


def check_reduction(op: str, reduction: Any) -> None:
    """ValueError for what is no reduction."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f'[{op}] expected reduction to be "none", "mean" or "sum", got {reduction!r}')


# typed: 1 and True are equal keys, but one is a number and the other an error.
@lru_cache(maxsize=64, typed=True)
def loss_options(
    op: str, reduction: Reduction, name: str = "parameter", parameter: float = 1.0, zero: bool = True
) -> LossOptions:
    """Options of a loss whose one number, called `name`, is positive, or with `zero` not negative."""
    check_reduction(op, reduction)
    number = as_non_negative(op, name, parameter)
    if not (number > 0.0 or zero):
        raise ValueError(f"[{op}] expected {name} > 0, got {parameter}")
    return _core.LossOptions(reduction=reduction, parameter=number)


@lru_cache(maxsize=64, typed=True)
def nll_options(op: str, ignore_index: int, reduction: Reduction) -> NLLOptions:
    """Options of the negative log-likelihood."""
    check_reduction(op, reduction)
    return _core.NLLOptions(reduction=reduction, ignore_index=as_int(op, "ignore_index", ignore_index))


def value(loss: Any, x: Array, reduction: Reduction) -> Any:
    """The losses, or the reduced loss: a scalar of the dtype of x, but on a GPU an array without axes."""
    if reduction == "none" or is_gpu_array(loss):
        return loss
    try:
        return x.dtype.type(loss)
    except AttributeError:  # memory exported by an object that is no array
        return as_array(x, "loss", "input").dtype.type(loss)
