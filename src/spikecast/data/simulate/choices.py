"""Choices of a simulated animal: each may repeat the last, and biases can make them even."""

import numpy as np

N_BIASES = 60  # tried


def choose_in_turn(utility: np.ndarray, history: float) -> np.ndarray:
    """Return the choice of each trial from the utilities (choice, trial); the last one gains."""
    chosen = utility.argmax(axis=0)
    for trial in range(1, chosen.size):
        gain = history * (np.arange(len(utility)) == chosen[trial - 1])
        chosen[trial] = (utility[:, trial] + gain).argmax()
    return chosen


def find_biases(utility: np.ndarray, history: float) -> np.ndarray:
    """Return what to add to the utility of each choice so that all are equally frequent.

    Of the biases on the way there the best are taken: with runs of choices, a small change of a
    bias can turn a whole run.
    """
    n_choices, n_trials = utility.shape
    bias, found = np.zeros(n_choices), []
    for step in 1.0 / np.arange(1, N_BIASES + 1) ** 0.5:
        chosen = choose_in_turn(utility + bias[:, np.newaxis], history)
        share = np.bincount(chosen, minlength=n_choices) / n_trials
        found.append((np.abs(share - 1 / n_choices).max(), bias.copy()))
        bias -= step * (share - 1 / n_choices)
    return min(found, key=lambda one: one[0])[1]
