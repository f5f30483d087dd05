"""Replays of a graph are the steps that would have been called: their numbers, rates and masks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import nn, optim
from fastnn._capture import Capture, capturing
from fastnn.backend import to_device, to_host
from tests.cuda.replays import Step, arrays_of, replay_of
from tests.opinfo import Backend

OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, weight_decay=0.1),
    "momentum": lambda p: optim.SGD(p, momentum=0.9, nesterov=True),
    "RMSprop": lambda p: optim.RMSprop(p, weight_decay=0.1),
    "centered": lambda p: optim.RMSprop(p, momentum=0.5, centered=True, maximize=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr_decay=0.3, average=True),
    "Adam": lambda p: optim.Adam(p, weight_decay=0.1),
    "AMSGrad": lambda p: optim.Adam(p, amsgrad=True, maximize=True),
    "AdamW": lambda p: optim.AdamW(p, weight_decay=0.1),
}
RATES = [0.1, 0.05, 0.2, 0.01, 0.3, 0.02]


def make(name: str, dtype: Any = np.float32) -> tuple[Step, nn.Module, optim.Optimizer]:
    fastnn.manual_seed(3)
    model = nn.Sequential(
        nn.Dropout2d(0.3),
        nn.Flatten(),
        nn.Linear(12, 8, dtype=dtype),
        nn.BatchNorm1d(8, dtype=dtype),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.Linear(8, 3, dtype=dtype),
    ).to("cuda")
    loss, optimizer = nn.MSELoss(), OPTIMIZERS[name](model.parameters())
    rng = np.random.default_rng(0)
    x, y = (to_device(rng.standard_normal(shape).astype(dtype), "cuda") for shape in ((6, 3, 2, 2), (6, 3)))

    def step() -> Any:
        optimizer.zero_grad()
        value = loss(model(x), y)
        model.backward_parameters(loss.backward())
        optimizer.step()
        return value

    return step, model, optimizer


def run(optimizer: optim.Optimizer, calls: list[Step], rates: list[float]) -> list[float]:
    values = []
    for call, rate in zip(calls, rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        values.append(float(to_host(call())))
    return values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_replays_are_the_steps_that_they_stand_for(backend: Backend, name: str, dtype: Any) -> None:
    step, model, optimizer = make(name, dtype)
    wanted = run(optimizer, [step] * 6, RATES)
    expected = [to_host(array) for array in arrays_of(model, optimizer)], fastnn.random.get_state()

    step, model, optimizer = make(name, dtype)
    optimizer.param_groups[0]["lr"] = RATES[0]
    replay = replay_of(backend, step, model, optimizer)
    # An ordinary step between replays counts, too.
    assert run(optimizer, [replay, replay, step, replay, replay], RATES[1:]) == wanted[1:]
    assert fastnn.random.get_state() == expected[1]
    for array, values in zip(arrays_of(model, optimizer), expected[0], strict=True):
        np.testing.assert_array_equal(to_host(array), values)
    assert {state.get("step", 6) for state in optimizer.state_dict()["state"].values()} <= {6}
    assert model.state_dict()["3.num_batches_tracked"] == 6


def test_replays_draw_from_the_source_as_it_is(backend: Backend) -> None:
    step, model, optimizer = make("Adam")
    replay = replay_of(backend, step, model, optimizer)
    values = []
    for call in (step, replay):
        fastnn.manual_seed(8)
        fastnn.random.set_state({**fastnn.random.get_state(), "call": 2**32 + 1})
        values += run(optimizer, [call, call], [0.0, 0.0])
        assert fastnn.random.next_key() == (8, 2**32 + 5)
    assert values[:2] == values[2:]
    assert values[0] != values[1]


def test_replay_refuses_a_state_that_was_replaced(backend: Backend) -> None:
    step, model, optimizer = make("AdamW")
    replay = replay_of(backend, step, model, optimizer)
    optimizer.load_state_dict(optimizer.state_dict())
    with pytest.raises(RuntimeError, match=r"\[AdamW\] expected the state that was captured.*capture again"):
        replay()


def test_replay_refuses_steps_of_a_part(backend: Backend) -> None:
    step, model, optimizer = make("Adam")
    replay = replay_of(backend, step, model, optimizer)
    next(model.parameters()).grad = None
    optimizer.step()
    with pytest.raises(RuntimeError, match="in step for all parameters"):
        replay()


@pytest.mark.parametrize("name", ["momentum", "RMSprop", "Adagrad", "Adam"])
def test_a_first_step_refuses_to_be_captured(backend: Backend, name: str) -> None:
    weight, optimizer = one_weight(name)
    with capturing(Capture()), pytest.raises(RuntimeError, match="in each replay; call the step once before"):
        optimizer.step()
    assert not optimizer.state
    np.testing.assert_array_equal(to_host(weight.data), 1.0)


@pytest.mark.parametrize(
    ("name", "option"), [("Adam", "amsgrad"), ("RMSprop", "centered"), ("RMSprop", "momentum")]
)
def test_new_state_refuses_to_be_captured(backend: Backend, name: str, option: str) -> None:
    weight, optimizer = one_weight(name)
    optimizer.step()
    optimizer.param_groups[0][option] = 1
    with capturing(Capture()), pytest.raises(RuntimeError, match="in each replay; call the step once before"):
        optimizer.step()
    assert optimizer.state[weight]["step"] == 1


def one_weight(name: str) -> tuple[nn.Parameter, optim.Optimizer]:
    weight = nn.Parameter(to_device(np.ones(3), "cuda"))
    weight.grad = to_device(np.ones(3), "cuda")
    return weight, OPTIMIZERS[name]([weight])


def test_a_mean_over_all_batches_refuses_to_be_captured(backend: Backend) -> None:
    layer = nn.BatchNorm1d(2, momentum=None).to("cuda")
    x = to_device(np.ones((3, 2), np.float32), "cuda")
    with (
        capturing(Capture()),
        pytest.raises(RuntimeError, match=r"\[BatchNorm1d\].*not to be captured.*None"),
    ):
        layer(x)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_numpys_parameters_refuse_to_be_captured(backend: Backend, name: str) -> None:
    weight = nn.Parameter(np.ones(3))
    optimizer = OPTIMIZERS[name]([weight])
    weight.grad = np.ones(3)
    optimizer.step()
    words = r"expected params of cupy.ndarray in a graph, got numpy.ndarray"
    with capturing(Capture()), pytest.raises(TypeError, match=words):
        optimizer.step()


def test_dropout_of_numpys_array_refuses_to_be_captured(backend: Backend) -> None:
    words = r"[dropout] expected key to be a pair (seed, call), got that of a graph"
    with capturing(Capture()), pytest.raises(TypeError, match=re.escape(words)):
        nn.Dropout(0.5)(np.ones(3))


def test_captures_have_their_limit(backend: Backend) -> None:
    capture = Capture()
    capture.bytes_of(lambda: np.zeros(1), capture.capacity - 16)
    with pytest.raises(
        RuntimeError, match="expected a step with 32768 bytes of values that differ, got more"
    ):
        capture.bytes_of(lambda: np.zeros(1), 17)


@pytest.mark.parametrize("shape", [(15,), (4, 4), ()])
def test_kernels_refuse_other_memory(backend: Backend, shape: tuple[int, ...]) -> None:
    x, values = to_device(np.ones(3), "cuda"), to_device(np.ones(shape, np.uint8), "cuda")
    with pytest.raises(ValueError, match=r"\[dropout\] expected key of 16 bytes of uint8, got shape"):
        backend.core.captured_dropout(x, 0.5, values, None)
    with pytest.raises(ValueError, match=r"\[dropout2d\] expected key of 16 bytes of uint8, got shape"):
        backend.core.captured_dropout2d(x, 0.5, values, None)
    steps = {"sgd": (1, 72), "rmsprop": (3, 88), "adagrad": (1, 48), "adam": (3, 112)}
    for op, (lists, count) in steps.items():
        with pytest.raises(ValueError, match=rf"\[{op}\] expected constants of {count} bytes of uint8, got"):
            getattr(backend.core, f"captured_{op}_step")([x], [x], *[[x]] * lists, values)
    shifted = to_device(np.ones(17, np.uint8), "cuda")[1:]
    with pytest.raises(ValueError, match=r"\[dropout\] expected key to be contiguous and aligned to 8 bytes"):
        backend.core.captured_dropout(x, 0.5, shifted, None)
