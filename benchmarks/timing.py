"""Permutations through the hat matrix against a scikit-learn loop: python benchmarks/timing.py

The loop is timed on a few bins and permutations and extrapolated: it refits for every bin, fold and
permutation, so its time is proportional to their number.
"""

import time

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

import spikecast as sc
from spikecast.analysis.decoding import hat_matrix
from spikecast.analysis.decoding.bins import ClassTarget, score_shared
from spikecast.analysis.decoding.nulls import draw_null

N_TRIALS, N_FEATURES, N_BINS, N_FOLDS, N_PERMUTATIONS = 300, 100, 250, 5, 1000
LOOP_BINS, LOOP_PERMUTATIONS = 2, 20
PENALTY = 1.0


def loop(x, codes, folds, n_classes):
    """Balanced accuracy (permutation, bin) of the same decoder, refitted every time."""
    scores = np.empty((len(codes), x.shape[1]))
    for t in range(x.shape[1]):
        penalty = PENALTY * hat_matrix.penalty_unit(x[:, t])
        for row, y in enumerate(codes):
            correct = np.empty(len(y))
            for fold in folds:
                train, y_train = x[fold.train, t], y[fold.train]
                within = sum(
                    (y_train == c).sum() * train[y_train == c].var(axis=0).sum()
                    for c in range(n_classes)
                )
                shrinkage = penalty / (penalty + within / train.shape[1])
                lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
                lda.fit(train, y_train)
                prior = np.log(lda.priors_)
                lda.intercept_ -= prior if n_classes > 2 else prior[1] - prior[0]
                correct[fold.test] = lda.predict(x[fold.test, t]) == y[fold.test]
            scores[row, t] = np.mean([correct[y == c].mean() for c in range(n_classes)])
    return scores


def main():
    rng = np.random.default_rng(0)
    for n_classes in (2, 3):
        y = rng.integers(n_classes, size=N_TRIALS)
        x = rng.normal(size=(N_TRIALS, N_BINS, N_FEATURES)) + 0.1 * y[:, None, None]
        folds = sc.splits.split_by_stratum(y, N_FOLDS)
        codes = np.vstack([y, draw_null("label_shuffle", y, N_PERMUTATIONS, 0, folds)])
        with sc.limit_threads():
            started = time.perf_counter()
            ours = score_shared(x, ClassTarget(codes, n_classes), folds, PENALTY).scores
            fast = time.perf_counter() - started
            started = time.perf_counter()
            theirs = loop(x[:, :LOOP_BINS], codes[:LOOP_PERMUTATIONS], folds, n_classes)
            slow = time.perf_counter() - started
        slow *= N_BINS * (1 + N_PERMUTATIONS) / (LOOP_BINS * LOOP_PERMUTATIONS)
        apart = np.abs(ours[:LOOP_PERMUTATIONS, :LOOP_BINS] - theirs).max()
        print(
            f"{n_classes} classes, {N_BINS} bins x {N_FOLDS} folds x {N_PERMUTATIONS} permutations,"
            f" {N_TRIALS} trials x {N_FEATURES} features, one thread: hat matrix {fast:.1f} s, "
            f"scikit-learn loop {slow:.0f} s (extrapolated), ratio {slow / fast:.0f}, "
            f"largest difference {apart:.1e}"
        )


if __name__ == "__main__":
    main()
