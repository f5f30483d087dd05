"""Minima, maxima and saddles are told apart, and a saddle is left."""

import numpy as np
import pytest

from fastnn import analysis, nn
from tests.analysis.problems import ONE, product_net


class Minus(nn.Module):
    """A loss that is -(output - target)^2: its minimum is a maximum."""

    reduction = "mean"

    def forward(self, x, y):
        self.difference = x - y
        return -float((self.difference**2).mean())

    def backward(self):
        return -2 * self.difference / self.difference.size


@pytest.mark.parametrize(
    ("at", "kind", "share"),
    [
        ((0.0, 0.0), "saddle", 0.5),
        ((1.0, 1.0), "minimum", 0.5),
        ((2.0, 0.5), "minimum", 0.5),
        ((1.0, 0.0), "not critical", 0.5),
    ],
)
def test_points_of_a_product_of_two_weights(at, kind, share):
    """Minima lie on the curve w1 w2 = 1, so one eigenvalue is zero there."""
    point = analysis.classify_critical_point(*product_net(*at))
    assert point.kind == kind
    assert point.positive_share == share
    assert point.loss == pytest.approx((1 - at[0] * at[1]) ** 2)


def test_eigenvalues_at_the_saddle_are_two_and_minus_two():
    point = analysis.classify_critical_point(*product_net(0.0, 0.0))
    np.testing.assert_allclose(point.eigenvalues, [-2, 2], atol=1e-9)
    assert point.gradient_norm == 0


def test_strict_minimum_and_maximum():
    model = nn.Linear(2, 1, bias=False)
    analysis.set_flat_parameters(model, [3.0, -1.0])
    data = np.eye(2), np.array([[3.0], [-1.0]])
    assert analysis.classify_critical_point(model, nn.MSELoss(), data).positive_share == 1
    top = analysis.classify_critical_point(model, Minus(), data)
    assert (top.kind, top.positive_share) == ("maximum", 0)


def test_no_curvature_at_all_is_flat():
    """Three factors: at 0 the loss (1 - w1 w2 w3)^2 has neither slope nor curvature."""
    model = nn.Sequential(*(nn.Linear(1, 1, bias=False) for _ in range(3)))
    analysis.set_flat_parameters(model, np.zeros(3))
    assert analysis.classify_critical_point(model, nn.MSELoss(), (ONE, ONE)).kind == "flat"


def test_saddle_is_left_along_negative_curvature():
    model, loss, data = product_net(0.0, 0.0)
    escape = analysis.escape_saddle(model, loss, data, distance=0.5)
    np.testing.assert_allclose(abs(escape.direction), np.sqrt(0.5))
    assert escape.eigenvalue == pytest.approx(-2)
    assert escape.loss_after == pytest.approx((1 - 0.125) ** 2)
    assert loss(model(ONE.astype(np.float32)), ONE.astype(np.float32)) == pytest.approx(escape.loss_after)


def test_a_step_too_long_is_halved():
    """At a distance of 3, w1 = w2 = 2.12: the loss is 12."""
    escape = analysis.escape_saddle(*product_net(0.0, 0.0), distance=3.0)
    assert escape.loss_after < escape.loss_before
    assert escape.distance == pytest.approx(1.5)


def test_there_is_no_way_down_from_a_minimum():
    model, loss, data = nn.Linear(1, 1, bias=False), nn.MSELoss(), (ONE, ONE)
    with pytest.raises(ValueError, match="expected a negative eigenvalue, got 2 as the smallest"):
        analysis.escape_saddle(model, loss, data)


def test_bad_input_is_named():
    problem = product_net(0.0, 0.0)
    with pytest.raises(ValueError, match="expected distance > 0, got 0"):
        analysis.escape_saddle(*problem, distance=0.0)
    with pytest.raises(ValueError, match="expected gradient_tolerance to be finite and >= 0, got -1"):
        analysis.classify_critical_point(*problem, gradient_tolerance=-1)
