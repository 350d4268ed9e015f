"""Runs that answer every question, once for all tests: of the simulated task, of planted areas."""

import numpy as np
import pytest
from planted_questions import (
    PAIR_QUESTIONS,
    TASK_QUESTIONS,
    make_pairs_config,
    make_task_config,
    plant_pairs,
    read_facts,
)

from spikecast.data.recording import Recording
from spikecast.runs import experiment


@pytest.fixture(scope="module", autouse=True)
def cheap_pages(one_width, quick_pages):
    """Answers are looked at here, not figures."""


@pytest.fixture(scope="session")
def task_file(recording, tmp_path_factory):
    """The task with two trials whose response is missing."""
    response = recording.trials["response"].to_numpy().astype(float)
    response[[3, 10]] = np.nan
    path = tmp_path_factory.mktemp("data") / "task.nc"
    Recording(recording.dataset.assign_coords(response=("trial", response))).save(path)
    return str(path)


@pytest.fixture(scope="session")
def task_run(task_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "one"
    return experiment.run(make_task_config(task_file, TASK_QUESTIONS), out, workers=1)


@pytest.fixture(scope="session")
def pairs_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "planted.nc"
    plant_pairs().save(path)
    return str(path)


@pytest.fixture(scope="session")
def pairs_run(pairs_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "one"
    return experiment.run(make_pairs_config(pairs_file, PAIR_QUESTIONS), out, workers=1)


@pytest.fixture(scope="session")
def pairs_facts(pairs_run):
    return read_facts(pairs_run)
