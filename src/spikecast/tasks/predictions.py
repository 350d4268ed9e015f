"""The problem that predictions of another tool are of: targets, and the source where known."""

import numpy as np
import pandas as pd

from spikecast.data.predictions import Predictions
from spikecast.data.recording import Recording
from spikecast.tasks.behavior import read_behavior
from spikecast.tasks.neuron_groups import drop_coincident_sources
from spikecast.tasks.problem import Problem
from spikecast.tasks.trial_facts import is_ordered


def make_brought_problem(brought: Predictions, recording: Recording) -> Problem:
    """Return the problem of predictions, and of the recording that was made of them.

    Without a source `x` is empty, and the source's name too. Source neurons that look like a target
    recorded twice are left out: only the test of shifts looks at the source.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.poisson(0.2, (8, 20, 3))
    >>> brought = Predictions(truth, {"mine": 0.2 + 0 * truth}, [], 0.01, 0.01 * np.arange(20),
    ...                       pd.DataFrame(index=range(8)), "MOs")
    >>> problem = make_brought_problem(brought, brought.make_recording())
    >>> problem.source, problem.x.shape, problem.y.shape
    ('', (8, 20, 1), (8, 20, 3))
    """
    n_targets = brought.truth.shape[2]
    is_target = np.arange(recording.n_neurons) < n_targets
    is_source, copies = drop_coincident_sources(recording, ~is_target, is_target)
    neurons = np.flatnonzero(is_source)
    x = np.zeros((*brought.truth.shape[:2], 1), dtype=np.float32)  # its number of bins is read
    if neurons.size:
        x = recording.activity[:, :, neurons]
    behavior = read_behavior(recording, recording.time)
    return Problem(
        task="predictions",
        source="+".join(dict.fromkeys(recording.area[neurons])),
        target=brought.target,
        x=x,
        y=recording.activity[:, :, is_target] if brought.kind == recording.kind else brought.truth,
        kind=brought.kind,
        time=recording.time,
        bin_size=recording.bin_size,
        trials=recording.trials,
        targets=pd.DataFrame({"neuron": np.arange(n_targets)}),
        notices=(*copies, *behavior.notices),
        areas=recording.area[neurons],
        source_neurons=neurons,
        behavior=behavior.values,
        gaps=behavior.gaps,
        ordered=is_ordered(recording),
    )
