"""OneCycleLR: its phases, its momentum, its end."""

import math

import numpy as np
import pytest

from fastnn import optim
from fastnn.optim.lr_scheduler import OneCycleLR
from tests.optim.schedules import make_optimizer, rates

MOMENTUM = {
    optim.SGD: lambda group: group["momentum"],
    optim.RMSprop: lambda group: group["momentum"],
    optim.Adam: lambda group: group["betas"][0],
    optim.AdamW: lambda group: group["betas"][0],
}


def momenta(scheduler, steps):
    """Of the first group, before the first step and after each."""
    read = MOMENTUM[type(scheduler.optimizer)]
    found = [read(scheduler.optimizer.param_groups[0])]
    for _ in range(steps):
        scheduler.step()
        found.append(read(scheduler.optimizer.param_groups[0]))
    return found


def half_wave(start, end, part):
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


def line(start, end, part):
    return start + (end - start) * part


@pytest.mark.parametrize(("strategy", "way"), [("cos", half_wave), ("linear", line)])
def test_two_phases(strategy, way):
    """Up at the end of step 0.3 * 20 - 1, down at step 19."""
    make = lambda: OneCycleLR(make_optimizer(7.0), 0.5, 20, anneal_strategy=strategy)  # noqa: E731
    low, top, end = 0.5 / 25, 0.5, 0.5 / 25 / 1e4
    wanted = [way(low, top, t / 5) if t <= 5 else way(top, end, (t - 5) / 14) for t in range(20)]
    np.testing.assert_allclose(np.ravel(rates(make(), 19)), wanted, rtol=1e-12, atol=1e-16)
    wanted = [way(0.95, 0.85, t / 5) if t <= 5 else way(0.85, 0.95, (t - 5) / 14) for t in range(20)]
    np.testing.assert_allclose(momenta(make(), 19), wanted, rtol=1e-12)


def test_three_phases():
    """Up to step 0.25 * 20 - 1, down to 2 * 0.25 * 20 - 2, and to the end."""
    options = {"pct_start": 0.25, "three_phase": True, "anneal_strategy": "linear", "div_factor": 10.0}
    make = lambda: OneCycleLR(make_optimizer(7.0), 0.5, epochs=4, steps_per_epoch=5, **options)  # noqa: E731
    wanted = np.interp(range(20), [0, 4, 8, 19], [0.05, 0.5, 0.05, 0.05 / 1e4])
    np.testing.assert_allclose(np.ravel(rates(make(), 19)), wanted, rtol=1e-12)
    wanted = np.interp(range(20), [0, 4, 8], [0.95, 0.85, 0.95])
    np.testing.assert_allclose(momenta(make(), 19), wanted, rtol=1e-12)


@pytest.mark.parametrize("cls", MOMENTUM)
def test_momentum_of_each_optimizer(cls):
    optimizer = make_optimizer(1.0, cls=cls)
    second = optimizer.param_groups[0].get("betas", (0, 0.999))[1]
    scheduler = OneCycleLR(optimizer, 0.5, 10, base_momentum=0.5, max_momentum=0.75)
    assert momenta(scheduler, 2) == [0.75, 0.625, 0.5]
    assert optimizer.param_groups[0].get("betas", (0, 0.999))[1] == second


def test_each_group_has_its_own_bounds():
    optimizer = make_optimizer(1.0, 1.0)
    scheduler = OneCycleLR(optimizer, [0.5, 5.0], 10, base_momentum=[0.1, 0.2], max_momentum=[0.3, 0.4])
    assert [group["momentum"] for group in optimizer.param_groups] == [0.3, 0.4]
    assert [group["initial_lr"] for group in optimizer.param_groups] == [0.02, 0.2]
    assert rates(scheduler, 2)[-1] == [0.5, 5.0]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.1, 0.2]


def test_without_cycling_momentum():
    for cls in (*MOMENTUM, optim.Adagrad):
        optimizer = make_optimizer(1.0, cls=cls)
        before = dict(optimizer.param_groups[0])
        rates(OneCycleLR(optimizer, 0.5, 10, cycle_momentum=False), 9)
        changed = {key for key, value in optimizer.param_groups[0].items() if before.get(key) != value}
        assert changed == {"lr", "initial_lr"}


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_stays_at_its_end_for_the_step_after_the_last_batch(strategy):
    """A line drawn on would lead below zero; a step more is one too many."""
    scheduler = OneCycleLR(make_optimizer(1.0), 0.5, 10, anneal_strategy=strategy, final_div_factor=100.0)
    found = rates(scheduler, 10)
    assert found[9] == found[10] == [0.5 / 25 / 100]
    with pytest.raises(ValueError, match=r"expected at most total_steps=10 steps, got step 11"):
        scheduler.step()
    assert scheduler.last_epoch == 10


@pytest.mark.parametrize(
    ("total", "start", "wanted"),
    [
        (1, 0.3, [5e-7]),
        (10, 0.1, [0.125]),  # the way up has no steps
        (4, 1.0, [0.005, 0.045, 0.085, 0.125]),
        (2, 0.0, [0.0625 + 2.5e-7, 5e-7]),
    ],
)
def test_phases_without_steps(total, start, wanted):
    scheduler = OneCycleLR(make_optimizer(1.0), 0.125, total, pct_start=start, anneal_strategy="linear")
    np.testing.assert_allclose(np.ravel(rates(scheduler, len(wanted) - 1)), wanted, rtol=1e-12)


@pytest.mark.parametrize("cls", MOMENTUM)
@pytest.mark.parametrize("three_phase", [False, True])
def test_resumes_bit_for_bit(three_phase, cls):
    """The state of the scheduler brings back learning rate and momentum by itself."""
    unbroken = OneCycleLR(make_optimizer(1.0, cls=cls), 0.5, 30, three_phase=three_phase)
    for _ in range(25):
        unbroken.step()
        resumed = OneCycleLR(make_optimizer(9.0, cls=cls), 3.0, 7)
        resumed.load_state_dict(unbroken.state_dict())
        groups = [s.optimizer.param_groups[0] for s in (unbroken, resumed)]
        for key in ("lr", "momentum", "betas"):
            assert groups[0].get(key) == groups[1].get(key)
        assert momenta(resumed, 3) == momenta_after(unbroken, 3)


def momenta_after(scheduler, steps):
    """Without moving the scheduler itself."""
    twin = OneCycleLR(make_optimizer(1.0, cls=type(scheduler.optimizer)), 0.5, 30)
    twin.load_state_dict(scheduler.state_dict())
    return momenta(twin, steps)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((0.1,), {}, "expected total_steps, or epochs and steps_per_epoch, got epochs=None"),
        ((0.1,), {"epochs": 3}, "expected total_steps, or epochs and steps_per_epoch, got epochs=3"),
        ((0.1, 0), {}, "expected total_steps >= 1, got 0"),
        ((0.1,), {"epochs": 0, "steps_per_epoch": 5}, "expected epochs >= 1, got 0"),
        ((-0.1, 9), {}, "expected max_lr to be finite and >= 0, got -0.1"),
        (([0.1, 0.2], 9), {}, "expected max_lr of 1 numbers, one a parameter group"),
        ((0.1, 9), {"pct_start": 1.5}, r"expected pct_start in \[0, 1\], got 1.5"),
        (
            (0.1, 9),
            {"anneal_strategy": "sine"},
            "expected anneal_strategy to be one of cos, linear",
        ),
        ((0.1, 9), {"div_factor": 0}, "expected div_factor > 0, got 0"),
        ((0.1, 9), {"base_momentum": -1}, "expected base_momentum to be finite and >= 0, got -1"),
    ],
)
def test_refuses(arguments, options, words):
    with pytest.raises(ValueError, match=rf"\[OneCycleLR\] {words}"):
        OneCycleLR(make_optimizer(1.0), *arguments, **options)


def test_refuses_to_cycle_what_is_not_there():
    with pytest.raises(ValueError, match=r"an optimizer with momentum or betas .*, got Adagrad"):
        OneCycleLR(make_optimizer(1.0, cls=optim.Adagrad), 0.1, 10)
