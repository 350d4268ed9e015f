"""A search finds the setting that matters, says which one it is, and never sees other trials."""

import numpy as np
import pytest

from spikecast.core.errors import InputError, UnknownNameError
from spikecast.core.seeding import make_rng
from spikecast.evaluation.search import search
from spikecast.models.linear import PCARidge
from spikecast.models.spaces import Between, OneOf
from spikecast.tasks.splits import split_by_trial

SPACE = {"n_components": Between(1, 8), "seed": OneOf((0, 1, 2))}


@pytest.fixture(scope="module")
def task():
    """Eight source dimensions, all of which matter: few components predict little."""
    rng = make_rng(0, "search")
    x = rng.normal(size=(20, 15, 8))
    return x, x @ rng.normal(size=(8, 5)) + 0.3 * rng.normal(size=(20, 15, 5))


def test_the_setting_that_matters_is_found_and_named(task):
    model = PCARidge(widths=(0.0,), n_components=1)
    found = search(model, SPACE, *task, split_by_trial(20, 3), n_trials=15)
    assert found.best["n_components"] == 8
    assert next(iter(found.importance)) == "n_components"
    assert found.importance["n_components"] > 0.8
    assert found.table["score"].iloc[0] < found.table["score"].max()
    assert found.swept["n_components"] > 2


def test_the_models_own_settings_are_tried_first_and_a_seed_repeats(task):
    model = PCARidge(widths=(0.0,), n_components=3)
    found = [search(model, SPACE, *task, split_by_trial(20, 3), n_trials=4) for _ in range(2)]
    tables = [one.table.drop(columns="seconds") for one in found]
    assert tables[0].equals(tables[1])
    assert tables[0].loc[0, ["n_components", "seed"]].tolist() == [3, 0]


def test_only_the_trials_of_the_folds_are_looked_at(task):
    x, y = (array.copy() for array in task)
    folds = split_by_trial(20, 4)
    inner = [f._replace(train=f.train[f.train < 15], test=f.test[f.test < 15]) for f in folds]
    model = PCARidge(widths=(0.0,))
    first = search(model, {"n_components": Between(1, 8)}, x, y, inner, n_trials=3)
    y[15:] = np.nan
    again = search(model, {"n_components": Between(1, 8)}, x, y, inner, n_trials=3)
    assert first.table["score"].equals(again.table["score"])


def test_mistakes_are_explained(task):
    with pytest.raises(UnknownNameError, match="Did you mean 'n_components'"):
        search(PCARidge(), {"n_component": Between(1, 8)}, *task, split_by_trial(20, 3))
    with pytest.raises(InputError, match="search space is empty"):
        search(PCARidge(), {}, *task, split_by_trial(20, 3))
