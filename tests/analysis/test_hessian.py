"""Curvature against closed forms and against differences of the loss itself."""

import sys

import numpy as np
import pytest

from fastnn import analysis, nn
from tests.analysis.problems import product_hessian, product_net, small_net


@pytest.mark.parametrize("at", [(0.0, 0.0), (1.0, 1.0), (0.5, -2.0), (3.0, 0.25)])
def test_hessian_of_a_product_of_two_weights(at):
    np.testing.assert_allclose(analysis.hessian(*product_net(*at)), product_hessian(*at), atol=1e-8)


def test_hessian_of_a_linear_model_is_exact():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 4)), rng.standard_normal((30, 1))
    found = analysis.hessian(nn.Linear(4, 1, bias=False), nn.MSELoss(), (x, y))
    np.testing.assert_allclose(found, 2 * x.T @ x / 30, rtol=1e-9, atol=1e-10)


def test_products_of_a_smooth_net_are_those_of_its_hessian(rng):
    model, loss, data = small_net()
    full, v = analysis.hessian(model, loss, data), rng.standard_normal(27)
    np.testing.assert_allclose(
        analysis.hessian_vector_product(model, loss, data, v), full @ v, rtol=1e-7, atol=1e-9
    )
    # v H v is also the second derivative of the loss along v.
    line = analysis.loss_line(model, loss, data, v, [-1e-4, 0.0, 1e-4])
    curvature = np.array([1, -2, 1]) @ line.losses / 1e-8
    assert v @ full @ v == pytest.approx(curvature, rel=1e-5)


def test_product_with_zero_is_zero():
    np.testing.assert_array_equal(analysis.hessian_vector_product(*small_net(), np.zeros(27)), np.zeros(27))


def wide_net():
    """45 parameters: more than are worth a full matrix."""
    _, loss, data = small_net()
    bigger = nn.Sequential(nn.Linear(2, 7), nn.Tanh(), nn.Linear(7, 3))
    return bigger, loss, data


@pytest.mark.parametrize(
    ("which", "key"), [("LA", lambda e: -e), ("SA", lambda e: e), ("LM", lambda e: -abs(e))]
)
@pytest.mark.parametrize("net", [small_net, wide_net])
def test_extreme_eigenvalues_are_those_of_the_full_matrix(net, which, key):
    problem = net()
    full = analysis.hessian(*problem)
    values, vectors = analysis.top_eigenvalues(*problem, k=3, which=which)
    expected = sorted(np.linalg.eigvalsh(full), key=key)[:3]
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(full @ vectors, vectors * values, atol=1e-4 * abs(values).max())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), 1)


def test_sharpness_is_the_largest_eigenvalue_and_bounds_the_learning_rate():
    model, loss, data = product_net(1.0, 1.0)
    assert analysis.sharpness(model, loss, data) == pytest.approx(4.0)
    distances = []
    for factor in (0.95, 1.05):  # of 2 / 4
        at = np.array([1.01, 1.01])
        for _ in range(20):
            analysis.set_flat_parameters(model, at)
            at = at - factor * 0.5 * analysis.flat_gradient(model, loss, data)
        distances.append(np.linalg.norm(at - 1))
    assert distances[0] < 0.01 < distances[1]


def test_without_scipy_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    assert analysis.top_eigenvalues(*small_net())[0].shape == (1,)  # small enough for NumPy
    with pytest.raises(ImportError, match=r"\[sharpness\] needs the package scipy: pip install scipy"):
        analysis.sharpness(*wide_net())


def test_bad_input_is_named():
    problem = small_net()
    with pytest.raises(ValueError, match="expected vector of shape"):
        analysis.hessian_vector_product(*problem, np.zeros(3))
    with pytest.raises(ValueError, match="expected k <= 27, got 28"):
        analysis.top_eigenvalues(*problem, k=28)
    with pytest.raises(ValueError, match="expected which to be 'LA', 'SA' or 'LM', got 'largest'"):
        analysis.top_eigenvalues(*problem, which="largest")
    large = nn.Linear(64, 65)
    data = np.zeros((2, 64)), np.zeros((2, 65))
    with pytest.raises(ValueError, match="at most 4096 parameter elements for a full Hessian, got 4225"):
        analysis.hessian(large, nn.MSELoss(), data)
