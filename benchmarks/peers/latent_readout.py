"""A Poisson regression from latents to each target: the last step of peers that give latents."""

import numpy as np
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.preprocessing import StandardScaler

PENALTIES = {"alpha": [1e-3, 1e-2, 1e-1]}


def regress_on_latents(latents, target, latents_test):
    """Return rates in test trials; the penalty is chosen in three folds over training trials."""
    flat, flat_test = (one.reshape(-1, one.shape[2]) for one in (latents, latents_test))
    scale = StandardScaler().fit(flat)
    trial = np.repeat(np.arange(len(latents)), latents.shape[1])
    rates = []
    for counts in target.reshape(-1, target.shape[2]).T:
        regression = PoissonRegressor(solver="newton-cholesky")
        search = GridSearchCV(regression, PENALTIES, cv=GroupKFold(3))
        search.fit(scale.transform(flat), counts, groups=trial)
        rates.append(search.predict(scale.transform(flat_test)))
    return np.stack(rates, axis=-1).reshape(*latents_test.shape[:2], -1)
