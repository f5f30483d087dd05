"""StandardScaler against scikit-learn's, over random tables with constant and nearly constant features."""

import numpy as np
import pytest
from sklearn import preprocessing

from fastnn.data import StandardScaler


def table(rng: np.random.Generator, dtype: str) -> np.ndarray:
    N, F = (int(n) for n in rng.integers(1, 60, 2))
    x = rng.standard_normal((N, F)) * rng.choice([1e-6, 1.0, 1e6], F) + rng.choice([0.0, 1.0, 1e4], F)
    x[:, rng.random(F) < 0.2] = rng.choice([0.0, 0.1, -3e7])
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_standard_scaler(dtype: str, with_mean: bool, with_std: bool) -> None:
    rng = np.random.default_rng(7)
    for _ in range(100):
        x = table(rng, dtype)
        ours = StandardScaler(with_mean=with_mean, with_std=with_std).fit(x)
        theirs = preprocessing.StandardScaler(with_mean=with_mean, with_std=with_std).fit(x.astype(float))
        for name in ("mean_", "var_", "scale_"):
            wanted = getattr(theirs, name)
            if wanted is None:
                assert getattr(ours, name) is None
            else:
                room = 1e-22 * np.abs(x).max() ** 2 if name == "var_" else 1e-300
                np.testing.assert_allclose(getattr(ours, name), wanted, rtol=1e-9, atol=room, err_msg=name)
        assert ours.n_samples_seen_ == theirs.n_samples_seen_
        assert ours.n_features_in_ == theirs.n_features_in_
        for method in ("transform", "inverse_transform"):
            result, wanted = (getattr(s, method)(x.astype(float)) for s in (ours, theirs))
            np.testing.assert_allclose(result, wanted, rtol=1e-8, atol=1e-8 * np.abs(x).max())
            assert getattr(ours, method)(x).dtype == x.dtype
