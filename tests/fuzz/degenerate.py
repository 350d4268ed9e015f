"""Recordings at the edge of what can be analysed: silent, constant, huge, tiny, oddly named."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from spikecast.data.recording import Recording

N_TRIALS, N_BINS, N_NEURONS = 30, 20, 12
HALF = N_NEURONS // 2


def make_recordings() -> dict[str, Callable[[], Recording]]:
    """Return what makes each; some cannot be made, which has to be a line too."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.5, (N_TRIALS, N_BINS, N_NEURONS))
    noise = rng.normal(size=counts.shape)
    trials = pd.DataFrame({
        "choice": rng.choice(["l", "r"], N_TRIALS),
        "contrast_left": rng.choice([0, 0.5, 1], N_TRIALS),
    })  # fmt: skip
    wheel = rng.normal(size=(N_TRIALS, N_BINS))

    def make(activity=counts, source="A", trials=trials, **more):
        n_trials, n_bins, n_neurons = activity.shape
        area = [source] * (n_neurons // 2) + ["B"] * (n_neurons - n_neurons // 2)
        trials = trials if trials is None else trials[:n_trials]
        time = 0.02 * np.arange(n_bins)
        return Recording.from_arrays(activity, time, area, trials=trials, **more)

    def make_continuous(activity):
        return make(activity.astype("f4"), kind="continuous")

    def with_choice(values):
        return make(trials=trials.assign(choice=values))

    silent_source, silent_target, copies = counts.copy(), counts.copy(), counts.copy()
    silent_source[:, :, :HALF] = 0
    silent_target[:, :, HALF:] = 0
    copies[:, :, HALF:] = copies[:, :, :HALF]
    gaps = trials.assign(contrast_left=trials["contrast_left"].where(np.arange(N_TRIALS) % 9 > 0))
    rare = np.where(np.arange(N_TRIALS) == 0, "r", "l")
    names = {
        "area that holds a separator": "A > B|x/y",
        "area of dots": "..",
        "area that is a path": "../../x",
        "area in other letters": "面積\u200b",
        "area of HTML": "<script>alert(1)</script>",
        "area without a name": "",
        "area with dollars": "$\\frac",
        "area of two lines": "a\nb",
    }
    made: dict[str, Callable[[], Recording]] = {
        "silent source, gaps in a contrast": lambda: make(silent_source, trials=gaps),
        "silent target": lambda: make(silent_target),
        "all silent": lambda: make(counts * 0),
        "constant": lambda: make_continuous(np.full(counts.shape, 3.3)),
        "huge": lambda: make_continuous(noise * 1e30),
        "tiny": lambda: make_continuous(noise * 1e-30),
        "counts beyond float32": lambda: make(counts.astype("u8") * 2**40),
        "one trial": lambda: make(counts[:1]),
        "three trials": lambda: make(counts[:3]),
        "one bin": lambda: make(counts[:, :1]),
        "two bins": lambda: make(counts[:, :2]),
        "one neuron in each area": lambda: make(counts[:, :, :2]),
        "one area": lambda: make(source="B"),
        "neurons twice": lambda: make(copies),
        "one class": lambda: with_choice("l"),
        "a class of one trial": lambda: with_choice(rare),
        "a label that is missing": lambda: with_choice(np.nan),
        "a label of numbers": lambda: with_choice(rng.normal(size=N_TRIALS)),
        "trials all alike": lambda: make(np.repeat(counts[:1], N_TRIALS, axis=0)),
        "no trial columns": lambda: make(trials=None),
        "behaviour that is missing": lambda: make(behavior={"wheel": wheel * np.nan}),
        "behaviour that is constant": lambda: make(behavior={"wheel": wheel * 0}),
        "behaviour that is huge": lambda: make(behavior={"wheel": wheel * 1e30}),
    }
    return made | {what: lambda name=name: make(source=name) for what, name in names.items()}
