"""Smoothed counts, principal components, then a linear regression of one kind per target.

The width of smoothing, the number of components and the penalty are chosen in three folds over
training trials by Poisson deviance, with the tools of the user guide's chapters on pipelines and on
tuning hyper-parameters.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from sklearn.decomposition import PCA
from sklearn.linear_model import PoissonRegressor, Ridge
from sklearn.metrics import make_scorer, mean_poisson_deviance
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

WIDTHS = (2.0, 4.0)  # bins
POISSON = MultiOutputRegressor(PoissonRegressor(solver="newton-cholesky"))
REGRESSIONS = {
    "ridge": (Ridge(), {"regression__alpha": [1e2, 1e3, 1e4]}),
    "poisson": (POISSON, {"regression__estimator__alpha": [1e-3, 1e-2, 1e-1]}),
}


def flatten(trials):
    return trials.reshape(-1, trials.shape[-1])


def smooth(source, width):
    return flatten(np.sqrt(gaussian_filter1d(source, width, axis=1)))


def predict_rates(source, target, source_test, kind):
    regression, penalties = REGRESSIONS[kind]
    y = flatten(target)
    lowest = 0.1 * y.mean(axis=0)

    def deviance(counts, rates):
        return mean_poisson_deviance(counts.ravel(), np.maximum(rates, lowest).ravel())

    steps = [("pca", PCA(random_state=0)), ("scale", StandardScaler()), ("regression", regression)]
    search = GridSearchCV(
        Pipeline(steps),
        penalties | {"pca__n_components": [30, 100]},
        cv=GroupKFold(3),
        scoring=make_scorer(deviance, greater_is_better=False),
    )
    trial = np.repeat(np.arange(len(source)), source.shape[1])
    found = []
    for width in WIDTHS:
        search.fit(smooth(source, width), y, groups=trial)
        found.append((search.best_score_, width, search.best_estimator_))
    _, width, best = max(found, key=lambda one: one[0])
    rates = np.maximum(best.predict(smooth(source_test, width)), lowest)
    return rates.reshape(*source_test.shape[:2], -1)
