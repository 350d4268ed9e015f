"""Linear decoders through the hat matrix: all permutations and folds from one factorisation.

Ridge regression is linear in what it predicts: its fitted values are ``H y`` with a hat matrix
``H`` that depends on the features alone. Labels can therefore be permuted after the factorisation,
and the prediction of held-out trials T by a model fitted without them is

``y_T - (I - H_TT)^-1 (y - H y)_T  =  (I - H_TT)^-1 H_T,train y_train``

(Treder 2019, "Cross-validation in high-dimensional spaces: a lifeline for least-squares models and
multi-class LDA", arXiv:1803.10016; Cook & Weisberg 1982). Nothing is approximated: this is the
refitted model.

What equals what:

- ``ridge``: ``sklearn.linear_model.Ridge(alpha=penalty)`` with its unpenalised intercept.
- ``lda``: linear discriminant analysis with pooled within-class scatter ``S_w + penalty * I`` and
  equal priors, for any number of classes: scikit-learn's
  ``LinearDiscriminantAnalysis(solver="lsqr", shrinkage=s)`` with
  ``s = penalty / (penalty + trace(S_w) / n_features)``, the log priors taken off its intercepts
  (its own ``priors=`` would also weigh the classes' covariances). The plain regression on the
  indicator matrix followed by argmax is *not* LDA (it masks classes, and even for two its threshold
  differs); LDA's scores are the regression's times a small matrix, see :func:`score_classes`.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

from spikecast.core.checks import check_in_range
from spikecast.tasks.splits import Fold


class HeldOut(NamedTuple):
    """Predictions of a fold's refitted regression, for many label columns at once."""

    fold: Fold
    fitted: np.ndarray  # (test trial, column), intercept included
    # (group, group, permutation): y_i' H y_j over the training trials, with the fold's own H
    quadratic: np.ndarray


def penalty_unit(x: np.ndarray) -> float:
    """Return the number of trials times the mean variance of the features (trial, feature).

    1 where no feature varies.
    """
    total = float(x.var(axis=0, dtype=np.float64).mean()) * len(x)
    return total if total > 0 else 1.0


def predict_shared(
    x: np.ndarray, y: np.ndarray, folds: Sequence[Fold], penalty: float
) -> Iterator[HeldOut]:
    """Yield every fold's held-out predictions from one factorisation of all trials' features.

    Parameters
    ----------
    x : array, (trial, feature)
        The same in every fold, that is, nothing was learnt for them.
    y : array, (trial, group, permutation)
        Targets, or indicator columns of all classes but the last.
    folds : sequence of Fold
        Each trial is trained on unless it is tested: ``train`` and ``test`` make up all trials.
    penalty : float
        L2, on the sum of squared errors; above 0. The same in every fold.
    """
    check_in_range("penalty", penalty, 1e-12)
    n = len(x)
    basis = _factor_hat(x - x.mean(axis=0), penalty)
    # H = basis basis', the intercept being one more direction
    basis = np.column_stack([np.full(n, n**-0.5), basis])
    flat = y.reshape(n, -1)
    parts = [basis[fold.test].T @ flat[fold.test] for fold in folds]
    whole = np.sum(parts, axis=0)
    for fold, part in zip(folds, parts):
        here = basis[fold.test]
        # (I - H_TT)^-1 H_T,: in terms of the basis
        lifted = cho_solve(cho_factor(np.eye(len(here)) - here @ here.T), here)
        projected = whole - part  # basis_train' y_train
        quadratic = _multiply_groups(projected, projected + here.T @ (lifted @ projected), y.shape)
        yield HeldOut(fold, lifted @ projected, quadratic)


def predict_nested(
    x_train: np.ndarray, x_test: np.ndarray, y: np.ndarray, fold: Fold, penalty: float
) -> HeldOut:
    """Return one fold's held-out predictions, of features (trial, feature) learnt in this fold.

    `x_test` is of whatever is predicted, `y` (trial, group, permutation) of all trials.
    """
    check_in_range("penalty", penalty, 1e-12)
    targets = y[fold.train].reshape(len(fold.train), -1)
    root = RidgeRoot(x_train, penalty)
    projected = np.vstack(
        [targets.sum(axis=0) / len(targets) ** 0.5, root.transform(x_train).T @ targets]
    )
    fitted = targets.mean(axis=0) + root.transform(x_test) @ projected[1:]
    return HeldOut(fold, fitted, _multiply_groups(projected, projected, y.shape))


class RidgeRoot:
    """Map of features to where the penalised scatter of the training trials is the identity."""

    def __init__(self, x: np.ndarray, penalty: float) -> None:
        self.mean = x.mean(axis=0)
        centered = (x - self.mean).astype(np.float64)
        n, n_features = centered.shape
        # the solution lies in the span of the training trials: with few trials, work there
        self.axes = np.linalg.svd(centered, full_matrices=False)[2] if n_features > n else None
        if self.axes is not None:
            centered = centered @ self.axes.T
        self.factor = _factor_scatter(centered, penalty)

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Map features (..., feature) to (..., direction)."""
        centered = (x - self.mean).astype(np.float64)
        if self.axes is not None:
            centered = centered @ self.axes.T
        flat = centered.reshape(-1, centered.shape[-1])
        return solve_triangular(self.factor, flat.T, lower=True, check_finite=False).T.reshape(
            *x.shape[:-1], -1
        )


def score_classes(fitted: np.ndarray, quadratic: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return linear discriminant scores (trial, class, permutation) from indicator regression.

    With ``Y`` the indicators, ``N`` the diagonal of class sizes and ``Q = Y' H Y`` of centred
    features, the scores of regularised LDA at equal priors are, up to a factor and a constant that
    all classes share,

    ``(F - mean) (N - Q)^-1 - 1/2 diag(N^-1 Q (N - Q)^-1)``

    which follows from ``S_w = S_t - M' N M`` by the Woodbury identity. `fitted` (trial, class - 1,
    permutation) are the predicted indicators ``F`` and `quadratic` is ``Q``, of all classes but the
    last (they sum to 1); `sizes` (class, permutation) are training trials. A class without any is
    never chosen.
    """
    n_classes = len(sizes)
    total = sizes.sum(axis=0)
    share = sizes / total
    # complete the last class: indicators sum to 1 and H 1 = 1
    q = np.empty((n_classes, n_classes, sizes.shape[1]))
    q[:-1, :-1] = quadratic
    q[-1, :-1] = q[:-1, -1] = sizes[:-1] - quadratic.sum(axis=0)
    q[-1, -1] = sizes[-1] - q[-1, :-1].sum(axis=0)
    q -= sizes[:, np.newaxis] * share[np.newaxis]  # features centred
    within = -q
    for label in range(n_classes):
        within[label, label] += np.where(sizes[label] > 0, sizes[label], 1.0)
    inverse = np.linalg.inv(within.transpose(2, 0, 1)).transpose(1, 2, 0)
    centered = fitted - share[:-1]
    last = -centered.sum(axis=1)
    offset = 0.5 * (q[:, :] * inverse.transpose(1, 0, 2)).sum(axis=1) / np.maximum(sizes, 1)
    scores = np.empty((len(fitted), *sizes.shape))
    for label in range(n_classes):
        score = last * inverse[-1, label] - offset[label]
        for other in range(n_classes - 1):
            score += centered[:, other] * inverse[other, label]
        scores[:, label] = np.where(sizes[label] > 0, score, -np.inf)
    return scores


def classify(fitted: np.ndarray, quadratic: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the code of the class with the highest score, (trial, permutation).

    Scores of :func:`score_classes` that differ by rounding alone (silent bins) are tied, and the
    first class is taken.
    """
    scores = score_classes(fitted, quadratic, sizes)
    best = scores.max(axis=1, keepdims=True)
    return (scores > best - 1e-12).argmax(axis=1)


def _factor_hat(centered: np.ndarray, penalty: float) -> np.ndarray:
    """Return ``B`` (trial, direction) with ``B B' = X (X'X + penalty I)^-1 X'``."""
    centered = centered.astype(np.float64)
    if centered.shape[1] > centered.shape[0]:
        values, vectors = np.linalg.eigh(centered @ centered.T)
        values = np.maximum(values, 0)
        return vectors * np.sqrt(values / (values + penalty))
    lower = _factor_scatter(centered, penalty)
    return solve_triangular(lower, centered.T, lower=True, check_finite=False).T


def _factor_scatter(centered: np.ndarray, penalty: float) -> np.ndarray:
    scatter = centered.T @ centered
    scatter.flat[:: len(scatter) + 1] += penalty
    return cholesky(scatter, lower=True, check_finite=False)


def _multiply_groups(a: np.ndarray, b: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return ``a_i' b_j`` for every pair of groups, (group, group, permutation)."""
    groups, permutations = shape[1:]
    a, b = (part.reshape(-1, groups, permutations) for part in (a, b))
    return np.einsum("rip,rjp->ijp", a, b)
