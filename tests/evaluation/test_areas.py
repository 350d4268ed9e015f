"""Areas travel from a recording to the models that want them, and to no others."""

import json
import pickle
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import clone

from spikecast import cross_validate
from spikecast.analysis.decoding.sources import Latents
from spikecast.core.errors import InputError, ShapeError
from spikecast.data.recording import Recording
from spikecast.evaluation.fit import Job, run_job
from spikecast.evaluation.many_sessions import cross_validate_sessions
from spikecast.evaluation.search import search
from spikecast.models import storage
from spikecast.models.catalog import MODELS
from spikecast.models.ensemble import Auto, Ensemble, Stack
from spikecast.models.mean_rate import MeanRate
from spikecast.models.sessions import ManySessions
from spikecast.models.spaces import OneOf
from spikecast.models.transformer import Transformer
from spikecast.runs import config, experiment
from spikecast.scoring.metrics import bits_per_spike, null_rate
from spikecast.tasks.splits import Fold, split_by_trial
from spikecast.tasks.tasks import AreaToArea, Behavior, Forecast, HeldOutNeurons, NeuronsToNeurons

pytestmark = pytest.mark.usefixtures("few_steps")

SMALL = {"n_latents": 8, "n_heads": 1, "n_members": 1, "n_components": 4, "epochs": 1}
TASK = AreaToArea("MOs")
STRONG, WEAK, TARGET = 12, 12, 8


class Asking(MeanRate):
    """Writes down the areas it is told; it has latents so that they can be decoded from."""

    told: ClassVar[list] = []

    @property
    def needs(self):
        return ("areas",)

    def _fit(self, x, y):
        self.told.append(self.areas_.tolist())
        super()._fit(x, y)

    def _transform(self, x):
        return x[..., :1]


@pytest.fixture(autouse=True)
def _forget():
    Asking.told.clear()


def one_job(model, problem):
    fold = split_by_trial(len(problem.y), 3)[0]
    job = Job("m", model, 0, fold, 0, problem.metadata(model.needs))
    return run_job(pickle.loads(pickle.dumps(job)), problem.x, problem.y)


def numbered(problem):
    return np.unique(problem.areas, return_inverse=True)[1].tolist()


@pytest.mark.parametrize(
    ("task", "source"),
    [
        (TASK, ["CA1", "VISp"]),
        (AreaToArea("MOs", "CA1"), ["CA1"]),
        (HeldOutNeurons(0.5, "VISp"), ["VISp"]),
        (Forecast(5), ["CA1", "MOs", "VISp"]),
        (Behavior("wheel"), ["CA1", "MOs", "VISp"]),
        (Behavior("wheel", "VISp"), ["VISp"]),
        (NeuronsToNeurons(range(60)[::20], range(1, 5), min_rate=0), ["MOs", "VISp"]),
    ],
)
def test_every_task_says_the_areas_of_its_sources(task, source, recording):
    problem = task.problem(recording)
    assert sorted(set(problem.areas)) == source
    assert len(problem.areas) == problem.x.shape[2]


def test_areas_stay_with_their_neurons():
    area = np.array(list("ABCABC"))
    counts = np.ones((4, 3, 6), dtype=int) * np.arange(1, 7)  # a neuron's count is its number
    problem = AreaToArea("A").problem(Recording.from_arrays(counts, 0.01 * np.arange(3), area))
    assert problem.areas.tolist() == area[problem.x[0, 0] - 1].tolist() == ["B", "C", "B", "C"]


def test_whoever_fits_a_model_tells_it_the_areas(recording):
    problem = TASK.problem(recording)
    folds = split_by_trial(recording.n_trials, 2)
    cross_validate({"asking": Asking()}, TASK, recording, folds=2)
    assert len(Asking.told) == 2
    list(Latents(Asking(), TASK).fold_features(recording, folds))
    assert Asking.told == [numbered(problem)] * 4


def test_a_search_tells_the_areas_too(recording):
    problem = TASK.problem(recording)
    model = Transformer(**SMALL, hide_areas=True)
    folds = [Fold(np.arange(20), np.arange(20, 30))]
    space = {"dropout": OneOf((0.1, 0.3))}
    known = problem.metadata()
    found = search(model, space, problem.x, problem.y, folds, n_trials=1, metadata=known)
    assert np.isfinite(found.table["score"]).all()


@pytest.mark.parametrize(
    "model",
    [
        Ensemble("transformer", n_models=1, hide_areas=True),
        Stack(("mean_rate", "transformer"), n_inner=2, hide_areas=True),
        Auto(("mean_rate", "transformer"), n_inner=2, hide_areas=True),
    ],
)
def test_members_of_a_committee_are_told(model):
    problem = AreaToArea("target").problem(dropping(0, n_trials=12))
    fitted = one_job(model, problem).fitted.model
    member = fitted.models_[-1]
    assert member.hide_areas
    assert member.areas_.tolist() == numbered(problem)
    assert clone(model).needs == ("areas",)


@pytest.mark.parametrize("way", [pytest.param("joint", marks=pytest.mark.slow), "adapted"])
def test_sessions_are_told_their_own_areas(way, recording, tmp_path):
    recording = recording.select(trials=range(24))
    other = recording.select(area=["VISp", "MOs"])  # no CA1
    many = ManySessions("transformer", {**SMALL, "hide_areas": True})
    scores = cross_validate_sessions([], {"m": many}, TASK, [recording, other], 2, ways=[way])
    assert np.isfinite(scores[1].table["value"]).all()
    first, second = (TASK.problem(each) for each in (recording, other))
    problems = [first, second]
    many.fit([p.x for p in problems], [p.y for p in problems], areas=[p.areas for p in problems])
    assert [model.areas_.max() for model in many.models_] == [1, 0]
    storage.save(many, tmp_path / "many")
    again = storage.load(tmp_path / "many")
    np.testing.assert_array_equal(again.predict(first.x, 0), many.predict(first.x, 0))
    with pytest.raises(ShapeError, match="areas has length 1 but xs"):
        many.fit([p.x for p in problems], [p.y for p in problems], areas=[first.areas])


def test_a_run_tells_them_and_resumes_to_the_same_numbers(recording, tmp_path):
    recording = recording.select(trials=range(24))
    recording.save(tmp_path / "data.nc")
    asked = config.parse_config(
        {
            "data": {"path": str(tmp_path / "data.nc")},
            "task": {"target": "MOs"},
            "models": [{"transformer": {**SMALL, "hide_areas": True}}],
            "evaluation": {"folds": 2, "bootstrap": 100, "shifts": 0},
        }
    )
    out = experiment.run(asked, tmp_path / "run", workers=1)
    before = (out / "summary.csv").read_text()
    jobs = out / "targets/MOs/jobs"
    (jobs / "transformer-fold1.json").unlink()
    stored = np.load(jobs / "transformer-fold1.npz")["prediction"]
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps(manifest | {"finished": None}))
    experiment.run(asked, out, workers=1, resume=True)
    np.testing.assert_array_equal(np.load(jobs / "transformer-fold1.npz")["prediction"], stored)
    assert (out / "summary.csv").read_text().split(",")[:5] == before.split(",")[:5]
    model = storage.load(out / "targets/MOs/weights/transformer-fold1")
    assert model.areas_.tolist() == numbered(TASK.problem(recording))


@pytest.mark.parametrize("name", MODELS)
def test_by_default_nobody_asks_and_areas_by_hand_are_refused(name, recording):
    problem = TASK.problem(recording)
    model = MODELS[name]()
    assert "areas" not in model.needs
    assert set(problem.metadata(model.needs)) == ({"trials"} if model.needs else set())
    with pytest.raises(InputError, match="areas"):
        model.fit(problem.x, problem.y, problem.areas)


def test_models_that_do_not_ask_give_the_same_numbers_whatever_the_areas(recording):
    problem = TASK.problem(recording)
    others = [problem, replace(problem, areas=None), replace(problem, areas=problem.areas[::-1])]
    for model in (MODELS["pca_ridge"](), Transformer(**SMALL)):
        first, *rest = (one_job(model, each).prediction for each in others)
        for prediction in rest:
            np.testing.assert_array_equal(prediction, first)
    asking = Transformer(**SMALL, hide_areas=True)
    mine, shuffled = (one_job(asking, each).prediction for each in (others[0], others[2]))
    assert not np.array_equal(mine, shuffled)


def test_a_model_that_asks_in_vain_says_so(recording):
    problem = replace(TASK.problem(recording), areas=None)
    with pytest.raises(InputError, match="needs the area of each source"):
        one_job(Transformer(**SMALL, hide_areas=True), problem)
    with pytest.raises(InputError, match="unknown metadata 'area'"):
        problem.metadata(["area"])


# ------------------------------------------------------------------------- an area that drops out


def dropping(seed, n_trials=90, n_bins=20):
    """Two slow latents drive an area strongly and another weakly; both tell of the target."""
    rng = np.random.default_rng(seed)
    latents = np.zeros((n_trials, n_bins, 2))
    steps = rng.normal(size=latents.shape)
    latents[:, 0] = steps[:, 0]
    for t in range(1, n_bins):
        latents[:, t] = 0.95 * latents[:, t - 1] + 0.31 * steps[:, t]
    gain = np.repeat([1.0, 0.5, 0.7], [STRONG, WEAK, TARGET])
    drive = gain * (latents @ rng.normal(size=(2, gain.size)))
    area = np.repeat(["strong", "weak", "target"], [STRONG, WEAK, TARGET])
    return Recording.from_arrays(rng.poisson(0.5 * np.exp(drive)), 0.01 * np.arange(n_bins), area)


def test_areas_hidden_in_training_let_a_fit_bear_the_loss_of_one_in_test_trials():
    scores = np.array([_with_and_without(dropping(seed)) for seed in range(3)]).mean(axis=0)
    (plain, plain_lost), (hidden, hidden_lost) = scores
    assert hidden_lost > plain_lost + 0.08
    assert hidden > plain - 0.03  # and nothing is lost where all areas are there


def _with_and_without(recording):
    """Bits per spike of both settings, with all sources and with the strong area missing."""
    problem = AreaToArea("target").problem(recording)
    fold = Fold(np.arange(60), np.arange(60, 90))
    activity = np.concatenate([problem.x, problem.y], axis=2)[fold.test]
    whole = np.ones(activity.shape, dtype=bool)
    whole[..., STRONG + WEAK :] = False
    lost = whole.copy()
    lost[..., :STRONG] = False
    truth = problem.y[fold.test]
    null = null_rate(problem.y[fold.train], truth)
    scores = []
    for hide in (False, True):
        model = Transformer(n_latents=16, n_members=1, hide_areas=hide)
        job = Job("m", model, 0, fold, 0, problem.metadata(model.needs))
        fitted = run_job(job, problem.x, problem.y).fitted.model
        rates = [fitted.predict_masked(activity, seen)[..., -TARGET:] for seen in (whole, lost)]
        scores.append([bits_per_spike(truth, rate, null) for rate in rates])
    return scores
