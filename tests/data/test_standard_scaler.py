"""StandardScaler: features of tables and channels of images, dtypes, constant features, wrong calls."""

import numpy as np
import pytest

from fastnn.data import StandardScaler


@pytest.mark.parametrize("shape", [(50, 4), (6, 4, 9), (5, 4, 6, 7)])
def test_features_get_mean_0_and_variance_1(rng, shape):
    x = rng.normal(5.0, 3.0, shape)
    z = StandardScaler().fit_transform(x)
    axes = (0, *range(2, x.ndim))
    np.testing.assert_allclose(z.mean(axes), 0, atol=1e-14)
    np.testing.assert_allclose(z.var(axes), 1, rtol=1e-13)


def test_attributes(rng):
    x = rng.normal(5.0, 3.0, (6, 4, 9))
    scaler = StandardScaler().fit(x)
    np.testing.assert_allclose(scaler.mean_, x.mean((0, 2)), rtol=1e-15)
    np.testing.assert_allclose(scaler.var_, x.var((0, 2)), rtol=1e-14)
    np.testing.assert_allclose(scaler.scale_, x.std((0, 2)), rtol=1e-14)
    assert (scaler.n_samples_seen_, scaler.n_features_in_) == (54, 4)


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_options_and_the_way_back(rng, with_mean, with_std):
    x, other = rng.normal(5.0, 3.0, (40, 3)), rng.normal(5.0, 3.0, (7, 3))
    scaler = StandardScaler(with_mean=with_mean, with_std=with_std).fit(x)
    wanted = (other - x.mean(0) * with_mean) / (x.std(0) if with_std else 1.0)
    np.testing.assert_allclose(scaler.transform(other), wanted, rtol=1e-13)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(other)), other, rtol=1e-13)
    assert (scaler.scale_ is None) == (not with_std)


@pytest.mark.parametrize(
    ("dtype", "result"), [("f4", "f4"), ("f8", "f8"), ("i4", "f8"), ("u1", "f8"), ("f2", "f8"), ("?", "f8")]
)
def test_dtypes(dtype, result):
    x = (np.arange(12).reshape(6, 2) % 5).astype(dtype)
    before = x.copy()
    scaler = StandardScaler().fit(x)
    assert scaler.mean_.dtype == np.float64
    assert scaler.transform(x).dtype == np.dtype(result)
    assert scaler.inverse_transform(x).dtype == np.dtype(result)
    np.testing.assert_array_equal(x, before)


def test_statistics_of_float32_are_in_float64(rng):
    x = (rng.standard_normal((20_000, 2)) + 1000).astype(np.float32)
    scaler = StandardScaler().fit(x)
    np.testing.assert_allclose(scaler.var_, x.astype(np.float64).var(0), rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e10, -1e-300])
def test_constant_features_are_divided_by_one(value):
    x = np.full((1000, 2), value)
    x[:, 1] = np.arange(1000)
    scaler = StandardScaler().fit(x)
    assert scaler.scale_[0] == 1.0
    np.testing.assert_allclose(scaler.transform(x)[:, 0], 0, atol=abs(value) * 1e-12)


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.ones(3), ValueError, r"x of shape \(N, F\) or \(N, C, \.\.\.\), got \(3,\)"),
        (np.ones((0, 3)), ValueError, r"at least one sample, got shape \(0, 3\)"),
        (np.ma.ones((2, 3)), TypeError, "MaskedArray: fill it first"),
        (np.array([["a"]]), TypeError, "real numbers, got dtype <U1"),
        (np.ones((2, 3), complex), TypeError, "real numbers, got dtype complex128"),
    ],
)
def test_refuses(x, error, words):
    with pytest.raises(error, match=rf"^\[StandardScaler\] expected .*{words}"):
        StandardScaler().fit(x)


def test_refuses_a_transform_before_fit_and_other_features():
    with pytest.raises(ValueError, match="expected a call of fit before transform"):
        StandardScaler().transform(np.ones((2, 3)))
    scaler = StandardScaler().fit(np.ones((2, 3)))
    for method in (scaler.transform, scaler.inverse_transform):
        with pytest.raises(ValueError, match=r"expected x with 3 features along axis 1, got shape \(2, 4\)"):
            method(np.ones((2, 4)))


def test_text():
    assert repr(StandardScaler(with_std=False)) == "StandardScaler(with_mean=True, with_std=False)"
