"""What any model could recover of the rates of the Lorenz populations of lfads_defaults.py.

    python benchmarks/lfads_bound.py

A decoder that is told the equations, the loadings, and each neuron's baseline, and has only a
trial's spikes: the mean of the rates over states of the attractor, each weighted by the probability
of the spikes. That is the least squared error there can be for a trial whose start is not known
beforehand. R2 of the true rates of the 160 test trials, mean and median over neurons.
"""

import argparse

import numpy as np
from lfads_defaults import COUNTS, N_CONDITIONS, N_NEURONS, N_TEST, SEED
from machine import describe
from numpy.lib.stride_tricks import sliding_window_view

import spikecast as sc

N_TRAIN = 640
LONG = 13_000  # bins of the runs whose parts are the states to choose among
APART = 10  # bins between two of these
CHUNK = 2000


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(describe())
    print("| bins | mean count | R2, mean | median | states that count, median |")
    print("|---|---|---|---|---|")
    for n_bins in (60, 100):
        for count in sorted(COUNTS):
            r2, n_states = measure(n_bins, count)
            values = f"{r2.mean():.3f} | {np.median(r2):.3f} | {n_states:.0f}"
            print(f"| {n_bins} | {count} | {values} |", flush=True)


def measure(n_bins: int, count: float) -> tuple[np.ndarray, float]:
    """Return R2 by neuron, and how many states share the weight in the middle one of the trials."""
    common = {"n_conditions": N_CONDITIONS, "mean_rate": 100 * count, "seed": SEED}
    simulated = sc.simulate.lorenz(N_TRAIN + N_TEST, N_NEURONS, n_bins=n_bins, **common)
    counts = simulated.recording.activity[N_TRAIN:].astype(float)
    truth = simulated.truth.rate[N_TRAIN:]
    loadings = np.asarray(simulated.truth.loadings)  # latent x neuron
    latents = np.asarray(simulated.truth.latents)
    baseline = np.log(simulated.truth.rate[0, 0]) - latents[0, 0] @ loadings

    # the same attractor, later: the starts of the trials are not among these states
    later = np.asarray(sc.simulate.lorenz(N_CONDITIONS, 1, n_bins=LONG, **common).truth.latents)
    parts = sliding_window_view(later[:, 1000:], n_bins, axis=1)[:, ::APART]
    parts = np.moveaxis(parts, -1, 2).reshape(-1, n_bins, 3)  # state x bin x latent

    drive = counts @ loadings.T
    log_likelihood = np.einsum("ktd,std->ks", drive, parts, optimize=True)
    for start in range(0, len(parts), CHUNK):
        rates = np.exp(parts[start : start + CHUNK] @ loadings + baseline)
        log_likelihood[:, start : start + CHUNK] -= rates.sum(axis=(1, 2))
    weights = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)  # trial x state

    mean = np.zeros((N_TEST, n_bins * N_NEURONS))
    for start in range(0, len(parts), CHUNK):
        rates = np.exp(parts[start : start + CHUNK] @ loadings + baseline)
        mean += weights[:, start : start + CHUNK] @ rates.reshape(len(rates), -1)
    error = np.square(truth - mean.reshape(truth.shape)).mean(axis=(0, 1))
    return 1 - error / truth.var(axis=(0, 1)), float(np.median(1 / np.square(weights).sum(axis=1)))


if __name__ == "__main__":
    main()
