"""SequentialLR: where one schedule ends and the next begins."""

import json

import pytest

from fastnn.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from tests.optim.schedules import make_optimizer, rates


def test_each_counts_from_its_milestone():
    optimizer = make_optimizer(1.0)
    parts = [ConstantLR(optimizer, 0.25), ExponentialLR(optimizer, 0.5), StepLR(optimizer, 2, 0.125)]
    found = [lr for (lr,) in rates(SequentialLR(optimizer, parts, [2, 5]), 9)]
    assert found == [0.25, 0.25, 1.0, 0.5, 0.25, 1.0, 1.0, 0.125, 0.125, 0.015625]


def test_milestone_at_the_start_leaves_one_out():
    optimizer = make_optimizer(1.0)
    parts = [ConstantLR(optimizer, 0.25), ExponentialLR(optimizer, 0.5)]
    assert rates(SequentialLR(optimizer, parts, [0]), 2) == [[1.0], [0.5], [0.25]]


def test_milestones_may_coincide():
    optimizer = make_optimizer(1.0)
    parts = [ConstantLR(optimizer, 0.25), ConstantLR(optimizer, 0.75), ExponentialLR(optimizer, 0.5)]
    assert rates(SequentialLR(optimizer, parts, [1, 1]), 2) == [[0.25], [1.0], [0.5]]


def test_may_be_nested():
    optimizer = make_optimizer(1.0)
    inner = SequentialLR(optimizer, [ConstantLR(optimizer, 0.75), ExponentialLR(optimizer, 0.5)], [1])
    outer = SequentialLR(optimizer, [ConstantLR(optimizer, 0.25), inner], [2])
    assert [lr for (lr,) in rates(outer, 5)] == [0.25, 0.25, 0.75, 1.0, 0.5, 0.25]
    saved = json.loads(json.dumps(outer.state_dict()))
    outer.step()
    after = outer.get_last_lr()
    outer.load_state_dict(saved)
    outer.step()
    assert outer.get_last_lr() == after


def test_restarts_and_momentum_in_a_chain():
    optimizer = make_optimizer(1.0)
    cycle = OneCycleLR(optimizer, 1.0, 3, anneal_strategy="linear", pct_start=0.0)
    waves = CosineAnnealingWarmRestarts(optimizer, 1)
    found = rates(SequentialLR(optimizer, [cycle, waves], [3]), 5)
    assert found[3:] == [[1.0 / 25]] * 3  # the rate that OneCycleLR has made the initial one
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.95)


def test_saved_as_torch_does():
    optimizer = make_optimizer(0.5)
    scheduler = SequentialLR(optimizer, [ConstantLR(optimizer, 0.5), ExponentialLR(optimizer, 0.5)], [3])
    saved = scheduler.state_dict()
    assert saved.keys() == {"_milestones", "last_epoch", "_last_lr", "_schedulers"}
    assert [inner["last_epoch"] for inner in saved["_schedulers"]] == [0, 0]
    saved["last_epoch"] = 4
    scheduler.load_state_dict(saved)
    assert scheduler.get_last_lr() == [0.25]


def test_loading_checks_all_before_it_changes_anything():
    optimizer = make_optimizer(0.5)
    scheduler = SequentialLR(optimizer, [ConstantLR(optimizer, 0.5), ExponentialLR(optimizer, 0.5)], [3])
    before = scheduler.state_dict()
    first, second = before["_schedulers"]
    for spoilt, words in (
        ([{**first, "factor": 0.1}], "expected the states of 2 schedulers, got 1"),
        ([{**first, "factor": 0.1}, {**second, "gamma": -1.0}], "expected gamma to be finite"),
        ([{**first, "factor": 0.1}, first], "expected gamma, base_lrs"),
    ):
        with pytest.raises(ValueError, match=words):
            scheduler.load_state_dict({**before, "last_epoch": 2, "_schedulers": spoilt})
        assert scheduler.state_dict() == before


@pytest.mark.parametrize(
    ("schedulers", "milestones", "error", "words"),
    [
        (lambda o: [], [], ValueError, r"schedulers to be a list of at least one, got \[\]"),
        (lambda o: [LinearLR(o)], [3], ValueError, "0 milestones for 1 schedulers, got 1"),
        (lambda o: [LinearLR(o), o], [3], TypeError, r"schedulers\[1\] to be a scheduler, got SGD"),
        (lambda o: [LinearLR(o), ReduceLROnPlateau(o)], [3], ValueError, "without a metric, got .* at 1"),
        (lambda o: [LinearLR(make_optimizer(1.0))], [], ValueError, "of this optimizer, got another's at 0"),
        (lambda o: [LinearLR(o)] * 3, [3, 2], ValueError, r"milestones in rising order, got \[3, 2\]"),
        (lambda o: [LinearLR(o)] * 2, [-1], ValueError, "milestones >= 0, got -1"),
        (lambda o: [LinearLR(o)] * 2, 3, TypeError, "milestones to be a list of ints, got 3"),
    ],
)
def test_refuses(schedulers, milestones, error, words):
    optimizer = make_optimizer(1.0)
    with pytest.raises(error, match=rf"\[SequentialLR\] expected .*{words}"):
        SequentialLR(optimizer, schedulers(optimizer), milestones)
