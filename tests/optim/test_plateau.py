"""ReduceLROnPlateau: what counts as improvement, patience, cooldown, bounds."""

import json

import pytest

from fastnn.optim.lr_scheduler import ReduceLROnPlateau
from tests.optim.schedules import make_optimizer

NAN, INF = float("nan"), float("inf")


def fed(metrics, lr=1.0, **options):
    """The learning rate after each metric."""
    scheduler = ReduceLROnPlateau(make_optimizer(lr), **{"factor": 0.5, "patience": 0, **options})
    found = []
    for metric in metrics:
        scheduler.step(metric)
        found += scheduler.get_last_lr()
        assert found[-1] == scheduler.optimizer.param_groups[0]["lr"]
    return found


def test_patience():
    """With patience 2 the third step in a row without improvement lowers the rate; the count starts anew."""
    assert fed([3, 3, 3, 3, 3, 3, 3], patience=2) == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]
    assert fed([3, 4, 4, 2, 4, 4, 4], patience=2) == [1.0] * 6 + [0.5]
    assert fed([3, 2, 1, 2]) == [1.0, 1.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("options", "first", "worse", "better"),
    [
        ({"threshold": 0.25}, 4.0, 3.0, 2.999),
        ({"threshold": 0.25, "threshold_mode": "abs"}, 4.0, 3.75, 3.749),
        ({"threshold": 0.25, "mode": "max"}, 4.0, 5.0, 5.001),
        ({"threshold": 0.25, "mode": "max", "threshold_mode": "abs"}, 4.0, 4.25, 4.251),
        ({"threshold": 0.0}, 4.0, 4.0, 3.999),
    ],
)
def test_thresholds(options, first, worse, better):
    """An improvement has to go beyond the threshold."""
    assert fed([first, worse], **options) == [1.0, 0.5]
    assert fed([first, better], **options) == [1.0, 1.0]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_nan_is_never_better(mode):
    assert fed([NAN, NAN], mode=mode) == [0.5, 0.25]
    assert fed([1.0, NAN, 1.0], mode=mode) == [1.0, 0.5, 0.25]


def test_cooldown():
    """Two steps after a decay count nothing, even with patience 0."""
    assert fed([3] * 8, cooldown=2) == [1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_a_better_metric_in_cooldown_is_the_new_best():
    assert fed([3, 3, 1, 2, 2], cooldown=1) == [1.0, 0.5, 0.5, 0.25, 0.25]


def test_bounds():
    assert fed([3] * 5, min_lr=0.3) == [1.0, 0.5, 0.3, 0.3, 0.3]
    assert fed([3] * 4, eps=0.25) == [1.0, 0.5, 0.5, 0.5]  # 0.5 - 0.25 is no more than eps
    assert fed([3] * 3, lr=1e-8) == [1e-8, 1e-8, 1e-8]


def test_each_group_has_its_own_bound():
    scheduler = ReduceLROnPlateau(make_optimizer(1.0, 0.1), factor=0.5, patience=0, min_lr=[0.75, 0.0])
    for _ in range(3):
        scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.75, 0.025]


def test_resumes_bit_for_bit():
    metrics = [3, 2, 2.5, 2.5, 2.5, 1, 1, 1, 1, 1, 1, 1]
    options = {"factor": 0.3, "patience": 1, "cooldown": 2, "min_lr": 1e-3}
    unbroken = ReduceLROnPlateau(make_optimizer(0.7), **options)
    for i, metric in enumerate(metrics):
        unbroken.step(metric)
        resumed = ReduceLROnPlateau(make_optimizer(9.0), mode="max")
        resumed.load_state_dict(json.loads(json.dumps(unbroken.state_dict())))
        twin = ReduceLROnPlateau(make_optimizer(0.7), **options)
        for earlier in metrics[: i + 1]:
            twin.step(earlier)
        for later in metrics[i + 1 :]:
            resumed.step(later)
            twin.step(later)
            assert resumed.get_last_lr() == twin.get_last_lr()
        assert resumed.state_dict() == twin.state_dict()


def test_state_before_the_first_metric():
    scheduler = ReduceLROnPlateau(make_optimizer(1.0))
    assert scheduler.state_dict() == {
        "mode": "min",
        "factor": 0.1,
        "patience": 10,
        "threshold": 1e-4,
        "threshold_mode": "rel",
        "cooldown": 0,
        "min_lrs": [0.0],
        "eps": 1e-8,
        "best": INF,
        "num_bad_epochs": 0,
        "cooldown_counter": 0,
        "last_epoch": 0,
        "_last_lr": [1.0],
    }


def test_leaves_the_rates_of_others_alone():
    """It lowers what it finds, so it may follow a user's own changes."""
    scheduler = ReduceLROnPlateau(make_optimizer(1.0), factor=0.5, patience=0)
    scheduler.step(1.0)
    scheduler.optimizer.param_groups[0]["lr"] = 0.2
    scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.1]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"mode": "least"}, ValueError, "expected mode to be one of min, max, got 'least'"),
        ({"factor": 1.0}, ValueError, r"expected factor in \[0, 1\), got 1.0"),
        ({"patience": -1}, ValueError, "expected patience >= 0, got -1"),
        ({"patience": 1.5}, TypeError, "expected patience to be an int, got 1.5"),
        ({"threshold_mode": "both"}, ValueError, "expected threshold_mode to be one of rel, abs, got 'both'"),
        ({"cooldown": -1}, ValueError, "expected cooldown >= 0, got -1"),
        ({"min_lr": [0.1, 0.2]}, ValueError, "expected min_lr of 1 numbers, one a parameter group"),
        ({"min_lr": -0.1}, ValueError, "expected min_lr to be finite and >= 0, got -0.1"),
        ({"eps": NAN}, ValueError, "expected eps to be finite and >= 0, got nan"),
    ],
)
def test_refuses(options, error, words):
    with pytest.raises(error, match=rf"\[ReduceLROnPlateau\] {words}"):
        ReduceLROnPlateau(make_optimizer(1.0), **options)


def test_refuses_a_metric_that_is_no_number():
    scheduler = ReduceLROnPlateau(make_optimizer(1.0))
    with pytest.raises(TypeError, match="expected metrics to be a number, got 'low'"):
        scheduler.step("low")
    assert scheduler.last_epoch == 0
