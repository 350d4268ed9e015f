"""A Poisson GLM of all targets at once on every source neuron.

The source is filtered by raised cosines around each bin (acausal). The ridge penalty is chosen on a
fifth of the training trials, then all are fitted: the tutorial on head direction ("all-to-all
connectivity") and the how-to on selecting by cross-validation.
"""

import nemos as nmo
import numpy as np

WINDOW, N_FUNCTIONS = 21, 3  # bins
STRENGTHS = (0.3, 1.0, 3.0)


def flatten(trials):
    return trials.reshape(-1, trials.shape[2])


def filter_trials(trials):
    half = WINDOW // 2
    padded = np.pad(trials, [(0, 0), (half, half), (0, 0)], mode="reflect")
    basis = nmo.basis.RaisedCosineLinearConv(
        N_FUNCTIONS, WINDOW, conv_kwargs={"predictor_causality": "acausal"}
    )
    features = np.asarray(basis.compute_features(flatten(padded)))
    return features.reshape(*padded.shape[:2], -1)[:, half:-half]


def fit_glm(features, target, strength):
    glm = nmo.glm.PopulationGLM(
        regularizer="Ridge", regularizer_strength=strength, solver_name="LBFGS"
    )
    return glm.fit(flatten(features), flatten(target))


def predict_rates(source, target, source_test):
    features = filter_trials(source)
    fitted = np.arange(len(source)) % 5 != 0
    scores = {}
    for strength in STRENGTHS:
        glm = fit_glm(features[fitted], target[fitted], strength)
        scores[strength] = glm.score(flatten(features[~fitted]), flatten(target[~fitted]))
    glm = fit_glm(features, target, max(scores, key=scores.get))
    rates = np.asarray(glm.predict(flatten(filter_trials(source_test))))
    return rates.reshape(*source_test.shape[:2], -1)
