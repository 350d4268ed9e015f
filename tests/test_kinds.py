"""What stands where something else belongs, over the public functions: a line, no traceback."""

from collections.abc import Iterable
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest

import spikecast as sc
from spikecast.core.errors import InputError

ODD = {
    "None": None,
    "a number": 3,
    "an object": object(),
    "a class": dict,
    "a table": pd.DataFrame(),
    "text": "abc",
}
RECORDING = sc.simulate.decision_task(
    20, {"VISp": 8, "MOs": 6}, n_bins=20, stim_onset=0.1, seed=3
).recording
TASK = sc.AreaToArea("MOs")
PROBLEM = TASK.problem(RECORDING)
LABEL = RECORDING.trials["contrast_right"] > 0


def cross_validate(models=("mean_rate",), task=TASK, recording=RECORDING, **given):
    return sc.cross_validate(models, task, recording, 2, shifts=0, **given)


def decode(recording=RECORDING, **given):
    return sc.decode(recording, LABEL, folds=2, **given)


TAKEN = {
    "models": lambda odd: cross_validate(models=odd),
    "models of a list": lambda odd: cross_validate(models=[odd]),
    "models of a mapping": lambda odd: cross_validate(models={"mine": odd}),
    "task": lambda odd: cross_validate(task=odd),
    "recording": lambda odd: cross_validate(recording=odd),
    "source area": lambda odd: sc.AreaToArea("MOs", odd).problem(RECORDING),
    "behaviour": lambda odd: sc.Behavior(odd).problem(RECORDING),
    "evaluate": lambda odd: sc.evaluate(["mean_rate"], PROBLEM, odd),
    "make_folds": lambda odd: sc.make_folds(odd, 2),
    "sessions": lambda odd: sc.cross_validate_sessions(["mean_rate"], {}, TASK, odd),
    "shared": lambda odd: sc.cross_validate_sessions(["mean_rate"], odd, TASK, [RECORDING] * 2),
    "decode": decode,
    "temporal_generalization": lambda odd: sc.temporal_generalization(odd, LABEL),
    "information_flow": lambda odd: sc.information_flow(odd, "VISp", "MOs"),
    "joint_correlation": lambda odd: sc.joint_correlation(odd, "VISp", "MOs"),
    "communication_subspace": lambda odd: sc.communication_subspace(odd, "VISp", "MOs"),
    "shared_dynamics": sc.shared_dynamics,
    "examine": sc.examine,
    "trials of tuning": lambda odd: sc.tuning(PROBLEM.x, odd, n_permutations=1),
    "condition": lambda odd: sc.trajectories(PROBLEM.x, RECORDING.time, odd),
    "split_nlb": sc.benchmarks.split_nlb,
    "atlas": lambda odd: sc.atlas([odd]),
}
MAY_BE_LEFT_OUT = {
    "executor": lambda odd: cross_validate(executor=odd),
    "progress": lambda odd: cross_validate(progress=odd),
    "null": lambda odd: decode(null=odd),
    "source": lambda odd: decode(source=odd),
    "trials": lambda odd: sc.Recording.from_arrays(
        RECORDING.activity, RECORDING.time, "A", trials=odd
    ),
    "folds": lambda odd: sc.score_predictions(PROBLEM.y, PROBLEM.y, folds=odd),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=list(ODD))
@pytest.mark.parametrize("name", TAKEN)
def test_another_kind_of_object_is_refused_in_a_line(name, odd):
    if (name == "source area" and odd is None) or (name == "models" and isinstance(odd, Iterable)):
        return  # all areas; what is listed in it
    with pytest.raises(sc.errors.SpikecastError) as refused:
        TAKEN[name](odd)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", MAY_BE_LEFT_OUT)
@pytest.mark.parametrize("odd", [3, object(), "abc"], ids=["a number", "an object", "text"])
def test_another_kind_of_option_is_refused_in_a_line(name, odd):
    with pytest.raises(InputError):
        MAY_BE_LEFT_OUT[name](odd)


def test_a_folder_and_a_number_of_jobs_are_what_they_are_called():
    with pytest.raises(InputError, match="str or Path is needed"):
        sc.audit(None)
    with pytest.raises(InputError, match="n_jobs"), ExitStack() as stack:
        stack.enter_context(sc.open_executor(None))


SPIKES = {
    "spike_times": np.arange(0, 20, 0.1),
    "clusters": np.arange(200) % 2,
    "events": [3.0, 5.0],
    "window": (0.0, 2.0),
    "bin_size": 0.5,
    "area": "A",
}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("bin_size", True),
        ("bin_size", np.True_),
        ("window", (False, True)),
        ("events", [True, False]),
        ("spike_times", np.ones(200, dtype=bool)),
    ],
)
def test_true_is_no_number_with_a_unit(name, given):
    with pytest.raises(InputError, match=name):
        sc.Recording.from_spike_times(**SPIKES | {name: given})


def test_true_is_no_time_and_no_rate_to_select_by():
    with pytest.raises(InputError, match="min_rate is True"):
        RECORDING.select(min_rate=True)
    with pytest.raises(InputError, match=r"time .*give start and stop"):
        RECORDING.select(time=(False, True))


@pytest.mark.parametrize(
    "use",
    [
        lambda labels: sc.decode(RECORDING, labels, folds=2),
        lambda labels: sc.embed(RECORDING, labels=labels),
        lambda labels: sc.trajectories(RECORDING.activity * 1.0, RECORDING.time, labels),
    ],
    ids=["decode", "embed", "trajectories"],
)
def test_complex_labels_lose_no_part(use):
    with pytest.raises(InputError, match="complex numbers"):
        use(np.arange(20) % 2 * 1j)
