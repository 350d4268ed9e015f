"""Claims on sessions of two areas that share nothing but a drift, by its smoothness.

    python benchmarks/shared_drift.py --sessions 20

Both areas follow one course over trials, each neuron by a factor of its own (sd .5 of the log
rate); a fast factor is each area's own. The course is smooth over 8 trials, a random walk, a random
walk smoothed over 3 trials, or one step. What nearby trials tell of it is the drift that the ladder
takes out; the rest is shared from trial to trial, as any coupling is.
"""

import argparse

import numpy as np
from claims import claim_predict
from machine import describe
from scipy.ndimage import gaussian_filter1d
from scipy.stats import binomtest

import spikecast as sc

COURSES = ("smooth", "walk", "smoothed walk", "step")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20, help="of each kind")
    parser.add_argument("--neurons", type=int, default=20, help="in each area")
    parser.add_argument("--trials", type=int, default=100)
    given = parser.parse_args()
    print(describe())
    print("| course over trials | claimed | 95 % interval |\n|---|---|---|")
    for course in COURSES:
        made = 0
        for seed in range(given.sessions):
            with sc.limit_threads():
                made += claim_predict(simulate(course, given.trials, given.neurons, seed))
        limits = binomtest(made, given.sessions).proportion_ci()
        share = f"{100 * limits.low:.0f} to {100 * limits.high:.0f} %"
        print(f"| {course} | {made} of {given.sessions} | {share} |", flush=True)


def simulate(course: str, n_trials: int, n_neurons: int, seed: int) -> sc.Recording:
    """Return a session of 40 bins of 25 ms, 10 spikes per second."""
    rng = np.random.default_rng([seed, COURSES.index(course)])
    shared = draw_course(course, n_trials, rng)
    shared = (shared - shared.mean()) / shared.std()
    log_rate = np.log(rng.lognormal(np.log(10), 0.7, 2 * n_neurons) * 0.025)
    log_rate = log_rate + 0.5 * shared[:, np.newaxis, np.newaxis] * rng.normal(size=2 * n_neurons)
    log_rate = np.repeat(log_rate, 40, axis=1)  # trial x time x neuron
    for area in (slice(n_neurons), slice(n_neurons, None)):
        fast = gaussian_filter1d(rng.normal(size=(n_trials, 40)), 2, axis=1)
        fast = fast[..., np.newaxis] / fast.std()
        log_rate[..., area] += 0.3 * fast * rng.normal(size=n_neurons)
    counts = rng.poisson(np.exp(np.clip(log_rate, -9, 2.5)))
    areas = ["A"] * n_neurons + ["B"] * n_neurons
    return sc.Recording.from_arrays(counts, 0.025 * np.arange(40), areas)


def draw_course(course: str, n_trials: int, rng: np.random.Generator) -> np.ndarray:
    """Return a course over trials."""
    if course == "smooth":
        return gaussian_filter1d(rng.normal(size=n_trials + 80), 8)[40:-40]
    if course == "step":
        return (np.arange(n_trials) > rng.integers(n_trials // 4, 3 * n_trials // 4)).astype(float)
    walk = np.cumsum(rng.normal(size=n_trials))
    return walk if course == "walk" else gaussian_filter1d(walk, 3)


if __name__ == "__main__":
    main()
