"""The general guide: what is wrong with a training run, read off its history.

Look at the training loss first. Where it is large, either the model cannot do better (model bias) or the
optimisation does not find what the model could do; a shallower net tells which, as a deeper one can do all
that it does. Where it is small, the validation loss tells whether the model has overfitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fastnn._checks import as_float

Cause: TypeAlias = Literal["model bias", "optimisation", "overfitting", "fine", "undecided"]

SMALL = 0.2  # of the first epoch's loss, where the user does not say what is small
CLEARLY = 0.8  # of the other: a loss clearly lower
STILL_FALLING = 0.9  # of the loss three quarters through the run

_REMEDIES: dict[Cause, tuple[str, ...]] = {
    "model bias": (
        "give the model more features, or more units and layers",
        "restrict it less: smaller weight decay, less dropout",
    ),
    "optimisation": (
        "change the learning rate, or let a schedule change it",
        "use momentum or Adam, another initialisation, or batch norm",
        "start from the shallower net's weights, or add residual connections",
    ),
    "overfitting": (
        "collect more training data, or augment what there is",
        "use fewer or shared parameters, or fewer features",
        "stop early, decay the weights, or add dropout",
    ),
    "fine": ("test on data that neither training nor the choice of the model has seen",),
    "undecided": (),
}


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found.

    Attributes
    ----------
    cause : "model bias", "optimisation", "overfitting", "fine" or "undecided"
    reasons : tuple of str
        The figures that led there.
    remedies : tuple of str
        What to try, in this order.

    Examples
    --------
    >>> from fastnn import analysis
    >>> print(analysis.Diagnosis("fine", ("both losses are small",), ()))
    fine
      because both losses are small
    """

    cause: Cause
    reasons: tuple[str, ...]
    remedies: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"because {reason}" for reason in self.reasons] + [f"try: {r}" for r in self.remedies]
        return "\n  ".join([self.cause, *lines])


def diagnose(
    history: Mapping[str, Sequence[float]],
    baseline: Mapping[str, Sequence[float]] | None = None,
    *,
    small: float | None = None,
) -> Diagnosis:
    """Name the cause of a disappointing training run, with the reasons and what to try.

    - The training loss is not finite: optimisation.
    - It is large, and a shallower net's is clearly lower (by a fifth): optimisation. A deeper net can do what
      the shallower one does, so it is not for want of flexibility.
    - It is large, and so is the shallower net's: model bias.
    - It is small and the validation loss is large: overfitting.
    - Both are small: fine.

    Without what a rule needs, the cause is "undecided", and the reasons say what is missing. After Hung-yi
    Lee's general guidance, and He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, where
    the deeper net has the larger training loss.

    Parameters
    ----------
    history : History, or mapping of "loss" and "val_loss" to one value an epoch
    baseline : the same of a shallower net on the same data, optional
    small : float, optional
        The largest loss that counts as small. Only you know what the task allows; by default it is a fifth
        of the first epoch's training loss, of this run or of the baseline's, whichever is larger.

    Returns
    -------
    Diagnosis

    Raises
    ------
    TypeError, ValueError
        For a history without losses, or `small` that is no number.

    Examples
    --------
    >>> from fastnn import analysis
    >>> found = analysis.diagnose({"loss": [2.3, 0.4, 0.01], "val_loss": [2.2, 0.9, 1.3]})
    >>> print(found)
    overfitting
      because the training loss 0.01 is small (at most 0.46)
      because the validation loss 1.3 is large
      because the validation loss was lowest in epoch 2: 0.9
      try: collect more training data, or augment what there is
      try: use fewer or shared parameters, or fewer features
      try: stop early, decay the weights, or add dropout
    """
    losses = _losses("history", history, "loss")
    others = None if baseline is None else _losses("baseline", baseline, "loss")
    if not math.isfinite(losses[-1]):
        return _result("optimisation", f"the training loss ended as {losses[-1]}: the steps are too large")
    limit = _limit(small, losses, others)
    if not losses[-1] <= limit:
        return _too_large(losses, others, limit)
    reason = f"the training loss {losses[-1]:.3g} is small (at most {limit:.3g})"
    if "val_loss" not in history:
        return _result("undecided", reason, "there is no validation loss: give fit some validation data")
    return _generalisation(_losses("history", history, "val_loss"), limit, reason)


def _losses(name: str, history: Mapping[str, Sequence[float]], key: str) -> list[float]:
    if not isinstance(history, Mapping):
        raise TypeError(f"[diagnose] expected {name} to be a History or a dict, got {type(history).__name__}")
    if key not in history or not len(history[key]):
        raise ValueError(f"[diagnose] expected {name} with {key!r} of an epoch or more, got {list(history)}")
    return [float(loss) for loss in history[key]]


def _limit(small: float | None, losses: list[float], others: list[float] | None) -> float:
    if small is not None:
        return as_float("diagnose", "small", small)
    firsts = [losses[0]] if others is None else [losses[0], others[0]]
    return SMALL * max([first for first in firsts if math.isfinite(first)], default=math.inf)


def _too_large(losses: list[float], others: list[float] | None, limit: float) -> Diagnosis:
    last = losses[-1]
    reasons = [f"the training loss {last:.3g} is large (more than {limit:.3g})"]
    earlier = losses[(3 * (len(losses) - 1)) // 4]
    if len(losses) > 4 and last < STILL_FALLING * earlier:
        reasons.append("it was still falling at the end: more epochs come first")
    if others is None:
        return _result(
            "undecided", *reasons, "to tell bias from optimisation, train a shallower net as baseline"
        )
    if others[-1] < CLEARLY * last:
        return _result("optimisation", *reasons, f"a shallower net reaches {others[-1]:.3g}")
    return _result("model bias", *reasons, f"a shallower net ends no better, at {others[-1]:.3g}")


def _generalisation(validation: list[float], limit: float, reason: str) -> Diagnosis:
    last = validation[-1]
    if last <= limit:
        return _result("fine", reason, f"so is the validation loss {last:.3g}")
    reasons = [reason, f"the validation loss {last:.3g} is large"]
    best = min((v for v in validation if math.isfinite(v)), default=last)
    if best < CLEARLY * last:
        reasons.append(f"the validation loss was lowest in epoch {validation.index(best) + 1}: {best:.3g}")
    return _result("overfitting", *reasons)


def _result(cause: Cause, *reasons: str) -> Diagnosis:
    return Diagnosis(cause, reasons, _REMEDIES[cause])
