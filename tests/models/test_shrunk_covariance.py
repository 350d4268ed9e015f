"""The shrunk covariance is that of scikit-learn's discriminant."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from spikecast.models.shrunk_covariance import ScaledLedoitWolf


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize(("n", "n_features"), [(8, 3), (100, 3), (40, 30), (20, 60), (30, 1)])
def test_it_is_that_of_scikit_learn(n, n_features, constant):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, n_features)) @ rng.normal(size=(n_features, n_features))
    x = x * rng.lognormal(sigma=2, size=n_features) + 10 * rng.normal(size=n_features)
    if constant:
        x[:, 0] = 3.1
    y = np.arange(n) % 3
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(x, y).covariance_
    ours = sum(ScaledLedoitWolf().fit(x[y == c]).covariance_ * np.mean(y == c) for c in range(3))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12 * np.abs(theirs).max())
