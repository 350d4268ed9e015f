"""Models with a context among the scores: nothing that they gain is called coupling."""

import pytest

import spikecast as sc
from spikecast.core.errors import InputError
from spikecast.data.recording import Recording
from spikecast.evaluation.verdict import judge_scores
from spikecast.models import PoissonGLM

QUICK = {"widths": ((3.0,),), "n_components": (5,), "penalties": (4e-3,)}
MODELS = {"off": PoissonGLM(**QUICK), "full": PoissonGLM(**QUICK, context="full")}
AREAS = {"n_trials": 120, "n_neurons": (20, 20), "n_bins": 40, "drift_sd": 6.0}


@pytest.mark.parametrize("seed", range(3))
def test_areas_that_share_nothing_gain_a_score_and_no_claim(seed):
    recording = sc.simulate.unrelated_areas(**AREAS, seed=seed).recording
    scores = sc.cross_validate(MODELS, sc.AreaToArea("B"), recording, shifts=20)
    assert scores.interval("full", minus="off").low > 0  # the drift is followed
    verdict = judge_scores(scores)
    assert verdict.outcome in ("not_beyond", "not_predicted")
    assert verdict.leader == "off"  # though the other scores higher
    (notice,) = [one for one in scores.notices if one.code == "context_models"]
    assert notice.values["models"] == ["full"]


@pytest.mark.parametrize("names", [["off", "full"], ["full"]])
def test_without_a_shift_test_a_context_makes_no_claim_either(names):
    recording = sc.simulate.unrelated_areas(**AREAS, seed=1).recording
    models = {name: MODELS[name] for name in names}
    verdict = judge_scores(sc.cross_validate(models, sc.AreaToArea("B"), recording, shifts=0))
    assert verdict.above_rung is None or verdict.above_rung.low <= 0


def test_a_recording_in_no_order_is_refused():
    recording = sc.simulate.unrelated_areas(**AREAS).recording
    unordered = Recording(recording.dataset.assign_attrs(ordered=0))
    with pytest.raises(InputError, match="full has a context"):
        sc.cross_validate(MODELS, sc.AreaToArea("B"), unordered)
    plain = {"off": MODELS["off"]}
    scores = sc.cross_validate(plain, sc.AreaToArea("B"), unordered, 2, shifts=0)
    assert "context_models" not in {one.code for one in scores.notices}
