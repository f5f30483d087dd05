"""The training loop.

A step of a small net takes some tens of microseconds, so the loop over batches does nothing but the step:
the loader already yields the model's dtype, metrics wait for the end of the epoch, unused hooks are absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastnn._checks import as_int
from fastnn.backend import is_gpu_array, to_host
from fastnn.data import ArrayLoader
from fastnn.distributed import broadcast_buffers, broadcast_parameters, broadcast_random_state
from fastnn.distributed.group import Group
from fastnn.optim.lr_scheduler import ReduceLROnPlateau
from fastnn.train.adjustment import make_adjustment
from fastnn.train.batches import Batches, as_batches, model_device, model_dtype, split
from fastnn.train.callbacks import Callback, FitState, Hooks, load_run
from fastnn.train.evaluation import EVALUATION_BATCH, evaluate_batches, is_sum, joined_pairs, measure
from fastnn.train.history import History
from fastnn.train.metrics import Metric, Metrics, resolve
from fastnn.train.modes import in_mode
from fastnn.train.progress import Progress, make_progress
from fastnn.train.weights import ClassWeight, with_class_weight, with_sample_weight

if TYPE_CHECKING:
    from fastnn.nn import Module
    from fastnn.optim import Optimizer


@dataclass(frozen=True)
class _Plan:
    """What stays the same from epoch to epoch."""

    batches: Batches
    validation: Batches | None
    metrics: dict[str, Metric]
    hooks: Hooks
    scheduler_interval: str
    adjust: Callable[[], None] | None  # of gradients, before the optimizer's step
    group: Group  # of one, unless the optimizer is distributed


def fit(
    model: Module,
    loss: Any,
    optimizer: Optimizer,
    data: Any,
    *,
    validation: Any = None,
    epochs: int = 10,
    batch_size: int = 32,
    scheduler: Any = None,
    scheduler_interval: Literal["epoch", "step"] = "epoch",
    callbacks: Iterable[Callback] = (),
    metrics: Metrics = (),
    class_weight: ClassWeight = None,
    sample_weight: Any = None,
    l1: float = 0.0,
    l2: float = 0.0,
    clip_grad_norm: float | None = None,
    clip_grad_value: float | None = None,
    seed: int = 0,
    progress: bool = True,
    history: History | None = None,
    resume: str | PathLike[str] | None = None,
) -> History:
    """Train `model` by mini-batches.

    Parameters
    ----------
    model : Module
        Trained in place.
    loss : Module
        `loss(outputs, y)` with reduction "mean" or "sum"; `loss.backward()` is the gradient by outputs.
        Any object with these and `reduction` will do; with weights it is called with `sample_weight=`, too.
    optimizer : Optimizer
        Over the parameters of `model`. With one of `distributed.optimizer` all ranks of its group call `fit`
        alike and train together: each takes its part of every batch, so a batch holds `batch_size` samples of
        each rank; losses, metrics and the end of the run are those of all ranks, and rank 0 shows progress
        and writes files. A loader gives each rank its part itself: `ArrayLoader(shard=group)`.
    data : arrays (x, y) or (x, y, sample_weight), or loader of such batches
        Arrays are cast once to the dtype of the model's parameters (integer labels stay integers) and
        shuffled anew each epoch. A loader chooses its own batches: `batch_size` and `seed` do not matter.
    validation : arrays as for `data`, loader or float, optional
        Measured after each epoch, in evaluation mode. A float is the share of `data` held out for it, taken
        after shuffling with `seed`.
    epochs : int
        Passes over the data.
    batch_size : int
        Samples per step.
    scheduler : LRScheduler, or another object with `step()`, optional
        ReduceLROnPlateau gets the validation loss, or without validation the training loss, so its mode has
        to be "min".
    scheduler_interval : "epoch" or "step"
        Step the scheduler after each epoch, or after each step of the optimizer.
    callbacks : iterable of Callback
        Called in their order.
    metrics : names or callables
        Names of `fastnn.train.metrics` (`"accuracy"`, `"mae"`, ...), or `metric(y_true, outputs) -> float`
        named by its `__name__`. For training they see the outputs of the steps themselves, that is, in
        training mode and while the weights change.
    class_weight : None, "balanced" or dict, optional
        How much the samples of each class label count in the loss; 1 for classes not in the dict. "balanced"
        gives each class of the training data the same total: N / (classes x samples of the class). Needs
        arrays with one label a sample. Validation is without it.
    sample_weight : array of shape (N,), optional
        How much each sample counts in the loss, times the weight of its class. A loss with reduction "mean"
        divides by the sum of a batch's weights. Goes with arrays (x, y); a share held out keeps its weights.
    l1, l2 : float
        Penalties: the gradients of `l1 sum |w| + l2 / 2 sum w^2` over all parameters of two axes or more (no
        biases, no batch norm) are added to those of the loss. The history's losses are without them.
    clip_grad_norm, clip_grad_value : float, optional
        Clip the gradients before each step, after the penalties, with `nn.utils.clip_grad_norm_` or
        `nn.utils.clip_grad_value_`.
    seed : int
        Fixes the split and the order of samples.
    progress : bool
        Show progress on stderr, where that is a terminal or a notebook.
    history : History, optional
        A history to go on with: epochs are numbered on, and the order of samples goes on with them. It
        holds the finished epochs also when an exception or Ctrl-C ends `fit`.
    resume : path, optional
        A file of `ModelCheckpoint` to go on from, with a run made as that one was. `epochs` then counts
        those of the file, too: the call that was interrupted, repeated with `resume`, gives the bits of a
        run that was not.

    Returns
    -------
    History
        `"loss"` (mean per sample, or per unit of weight) and each metric; with validation also `"val_loss"`
        and so on. A loss that is not finite is recorded as it is, and training goes on.

    Raises
    ------
    TypeError, ValueError
        For data of a wrong kind, dtype or length, an unknown metric, a loss with reduction "none".

    Notes
    -----
    However `fit` ends, each part of the model is back in its former mode, and the model stays usable.
    Same model, seed and build: the same bits, for any number of threads.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import nn, optim, train
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0]] * 8)
    >>> y = np.array([0, 1] * 8)
    >>> model = nn.Sequential(nn.Linear(2, 2))
    >>> optimizer = optim.SGD(model.parameters(), lr=1.0)
    >>> history = train.fit(model, nn.CrossEntropyLoss(), optimizer, (x, y), epochs=20, metrics="accuracy")
    >>> history["accuracy"][-1]
    1.0
    """
    epochs, seed = as_int("fit", "epochs", epochs, minimum=0), as_int("fit", "seed", seed, minimum=0)
    _check_scheduler(scheduler, scheduler_interval)
    history = History() if history is None else history
    if resume is not None and history.epochs:
        raise ValueError(f"[fit] expected an empty history with resume, got {history!r}")
    done = len(history.epochs)
    data = with_sample_weight(data, sample_weight)
    if isinstance(validation, float):
        data, validation = split(data, validation, seed)
    data = with_class_weight(data, class_weight)
    group = getattr(optimizer, "group", None) or Group()
    batches, held_out = _prepare(model, data, validation, batch_size, seed, done, group)
    adjust = make_adjustment(model, l1, l2, clip_grad_norm, clip_grad_value)
    callbacks = tuple(callbacks)
    plan = _Plan(batches, held_out, resolve(metrics), Hooks(callbacks), scheduler_interval, adjust, group)
    loader = batches if isinstance(batches, ArrayLoader) else batches.source
    state = FitState(model, loss, optimizer, history, epochs=done + epochs, epoch=done)
    state.scheduler, state.loader, state.callbacks, state.rank = scheduler, loader, callbacks, group.rank
    saved = [] if resume is None else load_run(resume, state)
    broadcast_parameters(model, group)
    broadcast_random_state(group)
    bar = make_progress(progress and group.rank == 0, state.epochs, state.epoch + 1, batches.samples)
    try:
        _run(state, plan, bar, saved)
    finally:
        bar.close()
    return history


def _prepare(
    model: Module, data: Any, validation: Any, batch_size: int, seed: int, epochs_done: int, group: Group
) -> tuple[Batches, Batches | None]:
    dtype, device = model_dtype(model), model_device(model)
    batches = as_batches(data, dtype, device, group, batch_size=batch_size, shuffle=True)
    if isinstance(batches, ArrayLoader):
        batches.load_state_dict({"seed": seed, "epoch": epochs_done, "position": 0})
    if validation is None:
        return batches, None
    return batches, as_batches(validation, dtype, device, group, batch_size=EVALUATION_BATCH)


def _run(state: FitState, plan: _Plan, bar: Progress, saved: list[dict[str, Any]]) -> None:
    with in_mode(True, state.model, state.loss):
        try:
            plan.hooks.call("on_fit_begin", state)
            for callback, its_state in zip(state.callbacks, saved, strict=False):  # none without resume
                callback.load_state_dict(its_state)
            while state.epoch < state.epochs and not state.stop:
                _epoch(state, plan, bar)
        finally:
            plan.hooks.call("on_fit_end", state)


def _epoch(state: FitState, plan: _Plan, bar: Progress) -> None:
    state.epoch += 1
    state.batch = 0
    bar.begin_epoch(state.epoch)
    plan.hooks.call("on_epoch_begin", state)
    began = perf_counter()
    logs = _train(state, plan, bar)
    seconds = perf_counter() - began
    broadcast_buffers(state.model, plan.group)
    if plan.validation is not None:
        held_out = evaluate_batches(state.model, state.loss, plan.validation, plan.metrics, plan.group)
        logs |= {f"val_{name}": value for name, value in held_out.items()}
    if state.scheduler is not None and plan.scheduler_interval == "epoch":
        _step_scheduler(state.scheduler, logs)
    state.logs = logs
    state.history.append(logs, seconds)
    plan.hooks.call("on_epoch_end", state)
    state.stop = plan.group.any(state.stop)
    plan.hooks.call("on_checkpoint", state)
    bar.end_epoch(logs)


def _check_scheduler(scheduler: Any, interval: str) -> None:
    if interval not in ("epoch", "step"):
        raise ValueError(f"[fit] expected scheduler_interval 'epoch' or 'step', got {interval!r}")
    if isinstance(scheduler, ReduceLROnPlateau) and interval == "step":
        raise ValueError("[fit] expected scheduler_interval 'epoch' with ReduceLROnPlateau, got 'step'")
    if isinstance(scheduler, ReduceLROnPlateau) and scheduler.mode != "min":
        raise ValueError(f"[fit] expected ReduceLROnPlateau with mode 'min', got {scheduler.mode!r}")


def _step_scheduler(scheduler: Any, logs: dict[str, float]) -> None:
    if isinstance(scheduler, ReduceLROnPlateau):
        scheduler.step(logs.get("val_loss", logs["loss"]))
    else:
        scheduler.step()


def _train(state: FitState, plan: _Plan, bar: Progress) -> dict[str, float]:
    """One pass over the batches."""
    model, loss, step, adjust = state.model, state.loss, state.optimizer.step, plan.adjust
    by_step = state.scheduler is not None and plan.scheduler_interval == "step"
    schedule = state.scheduler.step if by_step else None
    backward, parameters = model.backward_parameters, list(model.parameters())
    summed, keep = is_sum(loss), bool(plan.metrics)
    synchronize = getattr(state.optimizer, "synchronize", None) if plan.group.size > 1 else None
    batch_hooks, advance = plan.hooks["on_batch_end"], bar.advance
    pairs: list[tuple[Any, Any]] = []
    unread: list[tuple[Any, list[Any], int]] = []
    total, counted, samples = 0.0, 0.0, 0
    for x, y, *weights in plan.batches:
        outputs = model(x)
        value = loss(outputs, y, sample_weight=weights[0]) if weights else loss(outputs, y)
        count = len(outputs)
        for parameter in parameters:
            parameter.zero_grad()
        if synchronize is None:
            backward(loss.backward())
        elif summed:
            backward(loss.backward())
            synchronize(None)
        else:  # of a sum, as the batches of the ranks may differ in size
            amount = _amount(weights, count)
            backward(loss.backward() * amount)
            synchronize(amount)
        if adjust:
            adjust()
        step()
        if schedule:
            schedule()
        samples += count
        if count == 0:  # of a rank whose part of the last batch is empty: a mean of nothing
            pass
        elif is_gpu_array(value):  # not read yet: that would wait for the step
            unread.append((value, weights, count))
        else:
            amount = _amount(weights, count)
            counted += amount
            total += value if summed else value * amount
        if keep:
            pairs.append((y, outputs))
        advance(count, value)
        if batch_hooks:
            state.batch += 1
            state.batch_loss = to_host(value)
            for hook in batch_hooks:
                hook(state)
            state.stop = plan.group.any(state.stop)
            if state.stop:
                break
    for value, weights, count in unread:
        amount = _amount(weights, count)
        counted += amount
        total += float(to_host(value)) * (1.0 if summed else amount)
    sums = np.array([total, counted, samples])
    plan.group.all_reduce(sums)
    total, counted, samples = sums.tolist()
    if not samples:
        raise ValueError("[fit] expected at least one batch an epoch, got none (generators run only once)")
    mean = total / counted if counted else float("nan")
    return {"loss": mean} | (measure(plan.metrics, *joined_pairs(pairs, plan.group)) if keep else {})


def _amount(weights: list[Any], count: int) -> float:
    """How much a batch counts: the sum of its weights, for which it waits on a GPU, or its samples."""
    return float(to_host(weights[0]).sum(dtype=float)) if weights else count
