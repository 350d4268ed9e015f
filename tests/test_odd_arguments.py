"""Arguments of another type are refused in one line, by the function that they were given to."""

from functools import partial

import numpy as np
import pytest

import spikecast as sc
from spikecast.analysis import (
    CanonicalModel,
    LabelNull,
    LinearDecoder,
    MatchedAreas,
    PastFeatures,
    Points,
    WholeAreas,
)
from spikecast.core.errors import InputError
from spikecast.models import Between, OneOf

TABLE, POINT = np.zeros((2, 2)), np.array(5)


@pytest.fixture(scope="module")
def recording():
    areas = {"MOs": 6, "VISp": 6}
    return sc.simulate.decision_task(20, areas, n_bins=20, stim_onset=0.05, seed=1).recording


@pytest.mark.parametrize(
    ("make", "needed"),
    [
        (partial(sc.sources.Counts, causal=TABLE), "causal is .* must be true or false"),
        (partial(sc.sources.Counts, n_components=0.5), "n_components is 0.5; it must be at least"),
        (partial(sc.sources.Latents, "psth", task=3), "task is int; it must be a task"),
        (partial(sc.sources.Precomputed, np.zeros((2, 3, 1)), fold=3), "fold is 3; it must be an"),
        (partial(PastFeatures, n_components=None), "n_components is None"),
        (partial(CanonicalModel, n_components=-1), "n_components is -1"),
        (partial(Points, max_points="x"), "max_points is 'x'"),
        (partial(LabelNull, strata=3), "strata is 3; it must be a trial column, or a list"),
        (partial(LabelNull, stimulus=3), "stimulus is 3; it must be a list of trial columns"),
        (partial(LinearDecoder, penalty=None), "penalty is None"),
        (partial(MatchedAreas, n_neurons=0.5), "n_neurons is 0.5"),
        (partial(MatchedAreas, names=3), "names is 3; it must be a list of areas"),
        (partial(WholeAreas, []), "the list of areas is empty"),
        (partial(sc.splits.Split, by=TABLE), "split is .* must be one name"),
        (partial(sc.splits.split_by_trial, None, 2), "the number of trials is None"),
        (partial(sc.splits.split_by_stratum, TABLE, 2), "strata has shape"),
        (partial(sc.analysis.principal_angles, None, TABLE), "a must be an array of numbers"),
        (partial(sc.analysis.cell_types, None), "None was given; Recording is needed"),
        (partial(sc.models.PCARidge(seed=[]).fit, np.ones((4, 3, 2)), np.ones((4, 3, 2))), "seed"),
        (partial(sc.models.Kalman(lags=POINT).fit, np.ones((4, 3, 2)), np.ones((4, 3, 2))), "lags"),
        (partial(sc.report.build, None), "folder is None; it must be the path"),
        (partial(sc.run, None, "out"), "None was given; Config is needed"),
        (partial(sc.atlas, POINT), "data is array"),
        (partial(sc.load, "simulated", session=TABLE), "session"),
        (partial(sc.load_all, "simulated", 3), "int was given; Selection is needed"),
        (partial(sc.load, "simulated", align=TABLE), "align .*valid string"),
        (partial(sc.plot.latents, "x", [0.0], [1]), "latents has shape"),
        (partial(sc.simulate.decision_task, 9, effects={"drive": np.inf}), "effect drive"),
    ],
)
def test_settings_of_another_type_are_one_line(make, needed):
    with pytest.raises(InputError, match=needed) as caught:
        list(make())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        (partial(sc.decode_over_time, areas=3, folds=2), "areas is 3; it must be a list of areas"),
        (partial(sc.explain, target="MOs", conditions=POINT), "conditions is"),
        (partial(sc.explain, target="MOs", source=POINT), "it must be a name, or a list of names"),
        (partial(sc.information_flow, source=TABLE, target="MOs"), "source is"),
        (partial(sc.information_flow, source="VISp", target="MOs", past=3), "PastFeatures is"),
        (partial(sc.information_flow, source="VISp", target="MOs", neurons=3), "NeuronSample is"),
        (partial(sc.joint_correlation, source="VISp", target="MOs", model=3), "CanonicalModel is"),
        (partial(sc.joint_correlation, source="VISp", target="MOs", n_shifts=TABLE), "shifts is"),
        (partial(sc.embed, method="pca", labels=3), "labels is 3; it must be a list or array"),
        (partial(sc.embed, method="pca", supervised=TABLE), "supervised is"),
        (partial(sc.temporal_generalization, penalty=None), "penalty is None"),
        (partial(sc.cross_validate, POINT, sc.AreaToArea("MOs")), "models is"),
    ],
)
def test_arguments_of_another_type_are_one_line(recording, call, needed):
    label = {"label": "response"} if "decode" in str(call) or "temporal" in str(call) else {}
    given = {"data": recording} if "embed" in str(call) else {"recording": recording}
    with pytest.raises(InputError, match=needed) as caught:
        call(**given, **label)
    assert "\n" not in str(caught.value)


def test_methods_refuse_what_they_cannot_use(recording, tmp_path):
    task = sc.AreaToArea("MOs", drop_coincident=TABLE)
    for call, needed in (
        (partial(recording.save, 3), "the file to write is 3"),
        (partial(recording.to_nwb, None), "the file to write is None"),
        (partial(task.problem, recording), "drop_coincident"),
        (partial(sc.plot.raster, recording, 0.5), "trial is 0.5"),
    ):
        with pytest.raises(InputError, match=needed):
            call()
    assert not recording.identical(None)


@pytest.mark.parametrize(
    "values", [Between(None, 3), Between(1, "x"), Between(1, 10**400), OneOf(None), OneOf([]), 3]
)
def test_a_search_is_told_what_it_cannot_search(values):
    x, folds = np.ones((6, 4, 3)), sc.splits.split_by_trial(6, 2)
    with pytest.raises(InputError) as caught:
        sc.search(sc.models.PCARidge(), {"n_components": values}, x, x, folds, n_trials=1)
    assert "\n" not in str(caught.value)


def test_strata_may_be_numbers():
    folds = sc.splits.split_by_stratum(np.array([0.25, 0.5] * 4), 2)
    assert all(len(fold.test) == 4 for fold in folds)
