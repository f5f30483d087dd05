"""Schedules against their definitions, step numbers, several groups, saving and loading."""

import json
import math

import numpy as np
import pytest

from fastnn.optim import lr_scheduler
from fastnn.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    SequentialLR,
    StepLR,
)
from tests.optim.schedules import make_optimizer, rates

LRS = (0.5, 0.03)


def warm_up(optimizer, last_epoch=-1):
    return SequentialLR(optimizer, [LinearLR(optimizer), CosineAnnealingLR(optimizer, 9)], [4], last_epoch)


def part_of_cycle(t):
    """Cycles of 2, 4, 8 and 16 steps."""
    start, length = next((s, n) for s, n in ((14, 16), (6, 8), (2, 4), (0, 2)) if t >= s)
    return (t - start) / length


# How each is made, and lr(base, t) as its definition has it.
SCHEDULES = {
    "StepLR": (lambda o, **k: StepLR(o, 3, 0.5, **k), lambda lr, t: lr * 0.5 ** (t // 3)),
    "MultiStepLR": (
        lambda o, **k: MultiStepLR(o, [7, 2, 7], 0.5, **k),
        lambda lr, t: lr * 0.5 ** ((t >= 2) + 2 * (t >= 7)),
    ),
    "ExponentialLR": (
        lambda o, **k: ExponentialLR(o, 0.9, **k),
        lambda lr, t: lr * 0.9**t,
    ),
    "ConstantLR": (lambda o, **k: ConstantLR(o, 0.25, 4, **k), lambda lr, t: lr * (0.25 if t < 4 else 1)),
    "LinearLR": (
        lambda o, **k: LinearLR(o, 0.2, 0.8, 5, **k),
        lambda lr, t: lr * (0.2 + 0.6 * min(t, 5) / 5),
    ),
    "PolynomialLR": (
        lambda o, **k: PolynomialLR(o, 8, 2.5, **k),
        lambda lr, t: lr * (1 - min(t, 8) / 8) ** 2.5,
    ),
    "CosineAnnealingLR": (
        lambda o, **k: CosineAnnealingLR(o, 6, 0.01, **k),
        lambda lr, t: 0.01 + (lr - 0.01) * (1 + math.cos(math.pi * t / 6)) / 2,
    ),
    "CosineAnnealingWarmRestarts": (
        lambda o, **k: CosineAnnealingWarmRestarts(o, 2, 2, 0.01, **k),  # restarts at 2, 6, 14
        lambda lr, t: 0.01 + (lr - 0.01) * (1 + math.cos(math.pi * part_of_cycle(t))) / 2,
    ),
    "LambdaLR": (lambda o, **k: LambdaLR(o, lambda t: 1 / (1 + t), **k), lambda lr, t: lr / (1 + t)),
    "SequentialLR": (
        lambda o, **k: warm_up(o, **k),
        lambda lr, t: (
            lr * (1 / 3 + 2 / 3 * t / 5) if t < 4 else lr * (1 + math.cos(math.pi * (t - 4) / 9)) / 2
        ),
    ),
}
each = pytest.mark.parametrize("make", [make for make, _ in SCHEDULES.values()], ids=list(SCHEDULES))


@pytest.mark.parametrize(("make", "definition"), SCHEDULES.values(), ids=list(SCHEDULES))
def test_follows_its_definition(make, definition):
    found = rates(make(make_optimizer(*LRS)), 25)
    wanted = [[definition(lr, t) for lr in LRS] for t in range(26)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-16)


@each
def test_resumes_bit_for_bit(make):
    """At every step, from plain data, into an optimizer that knows nothing of the run."""
    unbroken = make(make_optimizer(*LRS))
    for _ in range(18):
        saved = json.loads(json.dumps(unbroken.state_dict()))
        resumed = make(make_optimizer(9.0, 9.0))
        resumed.load_state_dict(saved)
        assert [group["lr"] for group in resumed.optimizer.param_groups] == unbroken.get_last_lr()
        assert resumed.state_dict() == saved
        unbroken.step()
        resumed.step()
        assert resumed.get_last_lr() == unbroken.get_last_lr()


@each
def test_last_epoch_goes_on_from_there(make):
    """The optimizer's groups then hold the initial learning rates, as its state dict saves them."""
    unbroken = make(make_optimizer(*LRS))
    found = rates(unbroken, 12)
    for last_epoch in range(11):
        optimizer = make_optimizer(9.0, 9.0)
        optimizer.load_state_dict(unbroken.optimizer.state_dict())
        resumed = make(optimizer, last_epoch=last_epoch)
        assert resumed.last_epoch == last_epoch + 1
        assert resumed.get_last_lr() == found[last_epoch + 1]


@pytest.mark.parametrize("name", sorted(SCHEDULES.keys() - {"SequentialLR"}))
def test_last_epoch_asks_for_the_initial_rates(name):
    with pytest.raises(ValueError, match=rf'\[{name}\] expected every parameter group to have "initial_lr"'):
        SCHEDULES[name][0](make_optimizer(*LRS), last_epoch=3)


@each
def test_what_others_write_lasts_one_step(make):
    first, second = make(make_optimizer(*LRS)), make(make_optimizer(*LRS))
    first.optimizer.param_groups[0]["lr"] = 77.0
    first.step()
    second.step()
    assert first.get_last_lr() == second.get_last_lr()


@each
def test_groups_added_later_are_refused(make):
    scheduler = make(make_optimizer(*LRS))
    scheduler.optimizer.add_param_group({"params": make_optimizer(1.0).param_groups[0]["params"]})
    with pytest.raises(ValueError, match=r"expected 2 parameter groups, as there were .*, got 3"):
        scheduler.step()


def test_ends_are_met_exactly():
    """Nothing is multiplied up step by step, so nothing drifts."""
    wave = [lr for (lr,) in rates(CosineAnnealingLR(make_optimizer(0.3), 7, eta_min=0.001), 42)]
    assert set(wave[::14]) == {0.3}
    assert set(wave[7::14]) == {0.001}
    restarts = [lr for (lr,) in rates(CosineAnnealingWarmRestarts(make_optimizer(0.3), 7), 42)]
    assert set(restarts[::7]) == {0.3}
    assert {lr for (lr,) in rates(LinearLR(make_optimizer(0.3), 0.1, 0.7, 7), 20)[7:]} == {0.3 * 0.7}
    assert {lr for (lr,) in rates(PolynomialLR(make_optimizer(0.3), 7, 0.5), 20)[7:]} == {0.0}


def test_base_rates_are_those_before_any_scheduler():
    optimizer = make_optimizer(0.8)
    LinearLR(optimizer, start_factor=0.5)
    assert optimizer.param_groups[0]["lr"] == 0.4
    assert ExponentialLR(optimizer, 0.5).base_lrs == [0.8]


def test_each_group_may_have_its_function():
    scheduler = LambdaLR(make_optimizer(1.0, 10.0), [lambda t: 0.5**t, lambda t: t])
    assert rates(scheduler, 2) == [[1.0, 0.0], [0.5, 10.0], [0.25, 20.0]]
    assert "lr_lambdas" not in scheduler.state_dict()


def test_warm_restarts_between_two_epochs():
    """Step(epoch + batch / batches), as torch documents it; a step without number goes on from there."""
    scheduler = CosineAnnealingWarmRestarts(make_optimizer(1.0), T_0=2, T_mult=2)
    for position, part in ((0.5, 0.25), (2.0, 0.0), (3.5, 1.5 / 4), (6.0, 0.0), (13.0, 7 / 8), (1, 0.5)):
        scheduler.step(position)
        assert scheduler.last_epoch == math.floor(position)
        np.testing.assert_allclose(scheduler.get_last_lr(), [(1 + math.cos(math.pi * part)) / 2], rtol=1e-14)
    scheduler.step(1.5)
    scheduler.step()
    assert (scheduler.last_epoch, scheduler.T_cur, scheduler.T_i) == (2, 0.5, 4)
    with pytest.raises(ValueError, match=r"expected epoch to be finite and >= 0, got -1"):
        scheduler.step(-1)


def test_state_names_are_torchs():
    wanted = {
        "StepLR": {"step_size", "gamma"},
        "MultiStepLR": {"milestones", "gamma"},
        "ExponentialLR": {"gamma"},
        "ConstantLR": {"factor", "total_iters"},
        "LinearLR": {"start_factor", "end_factor", "total_iters"},
        "PolynomialLR": {"total_iters", "power"},
        "CosineAnnealingLR": {"T_max", "eta_min"},
        "CosineAnnealingWarmRestarts": {"T_0", "T_mult", "eta_min", "T_cur", "T_i"},
        "LambdaLR": set(),
    }
    for name, options in wanted.items():
        saved = SCHEDULES[name][0](make_optimizer(*LRS)).state_dict()
        assert saved.keys() == {*options, "base_lrs", "last_epoch", "_last_lr"}, name


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"gamma": -1.0}, ValueError, "expected gamma to be finite and >= 0, got -1.0"),
        ({"step_size": 0}, ValueError, "expected step_size >= 1, got 0"),
        ({"last_epoch": "3"}, TypeError, "expected last_epoch to be an int, got '3'"),
        ({"base_lrs": 0.5}, TypeError, "expected base_lrs to be a list of numbers, got 0.5"),
        ({"base_lrs": [0.5]}, ValueError, r"expected base_lrs of 2 parameter groups, got \[0.5\]"),
        ({"_last_lr": [0.5, "a"]}, TypeError, r"expected _last_lr\[1\] to be a number, got 'a'"),
        ({"T_max": 3}, ValueError, "expected step_size, gamma, base_lrs, last_epoch, _last_lr, got .*T_max"),
    ],
)
def test_loading_checks_all_before_it_changes_anything(change, error, words):
    scheduler = StepLR(make_optimizer(*LRS), 2)
    saved = {**scheduler.state_dict(), "step_size": 9, **change}
    before = scheduler.state_dict()
    with pytest.raises(error, match=rf"\[StepLR.load_state_dict\] {words}"):
        scheduler.load_state_dict(saved)
    assert scheduler.state_dict() == before


def test_loading_refuses_other_things():
    scheduler = StepLR(make_optimizer(*LRS), 2)
    with pytest.raises(TypeError, match="expected a dict, got list"):
        scheduler.load_state_dict([])
    with pytest.raises(ValueError, match="expected step_size, gamma"):
        scheduler.load_state_dict(ExponentialLR(make_optimizer(*LRS), 0.5).state_dict())
    with pytest.raises(ValueError, match="expected gamma, base_lrs"):
        ExponentialLR(make_optimizer(*LRS), 0.5).load_state_dict(scheduler.state_dict())


@pytest.mark.parametrize("name", lr_scheduler.__all__)
def test_refuses_what_is_no_optimizer(name):
    arguments = {
        "StepLR": (2,),
        "MultiStepLR": ([2],),
        "ExponentialLR": (0.5,),
        "CosineAnnealingLR": (3,),
        "CosineAnnealingWarmRestarts": (3,),
        "LambdaLR": (abs,),
        "OneCycleLR": (0.1, 10),
        "SequentialLR": ([ExponentialLR(make_optimizer(1.0), 0.5)], []),
    }
    with pytest.raises((TypeError, ValueError), match=rf"\[{name}\] expected .*optimizer"):
        getattr(lr_scheduler, name)("adam", *arguments.get(name, ()))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda o: StepLR(o, 0), ValueError, r"\[StepLR\] expected step_size >= 1, got 0"),
        (lambda o: StepLR(o, 2.0), TypeError, "expected step_size to be an int, got 2.0"),
        (lambda o: StepLR(o, 2, float("nan")), ValueError, "expected gamma to be finite and >= 0, got nan"),
        (lambda o: StepLR(o, 2, last_epoch=-2), ValueError, "expected last_epoch >= -1, got -2"),
        (lambda o: MultiStepLR(o, 3), TypeError, "expected milestones to be a list of ints, got 3"),
        (lambda o: MultiStepLR(o, [1.5]), TypeError, "expected milestones to be an int, got 1.5"),
        (lambda o: ExponentialLR(o, -0.5), ValueError, "expected gamma to be finite and >= 0, got -0.5"),
        (lambda o: ConstantLR(o, 1.5), ValueError, r"expected factor in \[0, 1\], got 1.5"),
        (lambda o: ConstantLR(o, 0.5, 0), ValueError, "expected total_iters >= 1, got 0"),
        (lambda o: LinearLR(o, 0.0), ValueError, "expected start_factor > 0, got 0.0"),
        (lambda o: LinearLR(o, 2.0), ValueError, r"expected start_factor in \[0, 1\], got 2.0"),
        (lambda o: LinearLR(o, 0.5, -1.0), ValueError, r"expected end_factor in \[0, 1\], got -1.0"),
        (lambda o: PolynomialLR(o, 5, -1.0), ValueError, "expected power to be finite and >= 0, got -1.0"),
        (lambda o: CosineAnnealingLR(o, 0), ValueError, "expected T_max >= 1, got 0"),
        (lambda o: CosineAnnealingWarmRestarts(o, 2, 0), ValueError, "expected T_mult >= 1, got 0"),
        (lambda o: LambdaLR(o, 0.5), TypeError, "expected lr_lambda to be callable, got 0.5"),
        (lambda o: LambdaLR(o, [abs]), ValueError, "expected 2 functions, one a parameter group, got 1"),
        (lambda o: LambdaLR(o, [abs, 1]), TypeError, "expected lr_lambda to be callable, got 1"),
    ],
)
def test_refuses(make, error, words):
    with pytest.raises(error, match=words):
        make(make_optimizer(*LRS))


def test_a_schedule_of_ones_own():
    class Halving(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [lr / 2**self.last_epoch for lr in self.base_lrs]

    assert rates(Halving(make_optimizer(1.0)), 3) == [[1.0], [0.5], [0.25], [0.125]]


def test_the_optimizer_steps_with_the_scheduled_rate():
    optimizer = make_optimizer(1.0)
    (parameter,) = optimizer.param_groups[0]["params"]
    scheduler = StepLR(optimizer, 1, 0.5)
    for _ in range(3):
        parameter.grad = np.ones(2)
        optimizer.step()
        scheduler.step()
    np.testing.assert_array_equal(parameter.data, [-1.75, -1.75])
