"""From a config's blocks on tuning, pairs, alignment and cell types to answers and the page."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from spikecast import report
from spikecast.core.errors import InputError, SpikecastError
from spikecast.data.recording import Recording
from spikecast.runs import config, experiment
from spikecast.runs.reader import read_answers

LAG = 2
QUESTIONS = {
    "joint": {"pairs": [["A", "B"], ["A", "C"]], "window": 1, "max_lag": 3},
    "subspace": {"pairs": [["A", "B"], ["A", "C"]], "bins": 1, "folds": 5, "max_rank": 4},
    "tuning": [{"areas": ["A", "C"], "correction": "holm"}, {"source": "latents"}],
    "align": {"components": 2, "conditions": ["condition"], "shuffles": 19},
    "decode": {"labels": ["side"], "sources": ["counts"], "areas": ["A"], "cell_types": True,
               "folds": 3, "permutations": 40},
    "trajectories": {"labels": ["side"], "n_dims": 3},
}  # fmt: skip


def planted(seed=0, n_trials=90, n_bins=25):
    """A leads B by 2 bins through one latent; its narrow cells know the side; C is noise."""
    rng = np.random.default_rng(seed)
    latent = lfilter([1.0], [1.0, -0.7], rng.normal(size=(n_trials, n_bins + LAG)), axis=1)
    own = rng.normal(size=(n_trials, n_bins))
    side = rng.choice(["left", "right"], n_trials)
    sizes = {"A": 24, "B": 12, "C": 12, "few": 3}
    x = {name: rng.normal(size=(n_trials, n_bins, size)) for name, size in sizes.items()}
    x["A"] += latent[:, LAG:, np.newaxis] * rng.normal(size=24)
    x["A"] += own[..., np.newaxis] * rng.normal(size=24)
    x["A"][:, :, ::2] += np.where(side == "right", 0.7, -0.7)[:, np.newaxis, np.newaxis]
    x["B"] += latent[:, :-LAG, np.newaxis] * rng.normal(size=12)
    area = np.repeat(list(sizes), list(sizes.values()))
    width = np.where(np.arange(area.size) % 2, 0.7, 0.2)
    width[area == "few"] = [0.2, 0.7, np.nan]
    return Recording.from_arrays(
        np.concatenate(list(x.values()), axis=2),
        np.arange(n_bins) * 0.01,
        area,
        kind="continuous",
        trials={
            "side": side, "nothing": rng.choice(["a", "b"], n_trials), "one": np.ones(n_trials),
            "condition": np.arange(n_trials) % 5,
        },
        neurons={"trough_to_peak": width},
    )  # fmt: skip


def answers_of(run):
    """Facts of a run's answers by name, as they are stored."""
    return {answer.name: answer.facts for answer in read_answers(run)}


def make(path, analysis, **change):
    content = {
        "data": {"path": path}, "task": {"target": "B"}, "models": ["pca_ridge", "reduced_rank"],
        "evaluation": {"folds": 3, "bootstrap": 200}, "analysis": analysis,
    }  # fmt: skip
    return config.parse_config(content | change)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "planted.nc"
    planted().save(path)
    return str(path)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "one"
    return experiment.run(make(data, QUESTIONS), out, workers=1)


@pytest.fixture(scope="module")
def answers(run):
    return answers_of(run)


def test_every_question_is_answered(answers):
    assert list(answers) == [
        "decode-side-counts-A_narrow", "decode-side-counts-A_wide", "joint-A-B", "joint-A-C",
        "subspace-A-B", "subspace-A-C", "trajectories-side-counts", "tuning-counts-A",
        "tuning-counts-C", "tuning-latents-pca_ridge", "align-folds-pca_ridge",
        "align-folds-reduced_rank", "align-pca_ridge-reduced_rank",
    ]  # fmt: skip


def test_planted_tuning_is_found_and_noise_is_silent(run, answers):
    tuned = pd.read_csv(run / "analysis/tuning-counts-A-tests.csv").query("p_corrected <= 0.05")
    assert set(tuned["latent"]) == set(range(0, 24, 2))
    assert set(tuned["variable"]) == {"side"}
    noise = pd.read_csv(run / "analysis/tuning-counts-C-tests.csv")
    assert noise["p_corrected"].min() > 0.05
    assert answers["tuning-counts-A"]["left_out"] == {"one": "it has a single value"}
    latents = answers["tuning-latents-pca_ridge"]
    assert (latents["n_trials"], latents["model"]) == (30, "pca_ridge")


def test_one_dimension_is_passed_on_and_none_to_noise(answers):
    assert answers["subspace-A-B"]["rank"] == 1
    assert answers["subspace-A-B"]["rank_within"] >= 2
    assert len(answers["subspace-A-B"]["random_angles"]) == 1
    assert answers["subspace-A-C"]["rank"] == 0
    assert answers["subspace-A-C"]["angles"] == []


def test_the_area_that_leads_is_ahead_and_noise_is_not(run):
    course = pd.read_csv(run / "analysis/joint-A-B-course.csv").iloc[LAG:-LAG]
    assert (course["low"] > 0).mean() > 0.7
    noise = pd.read_csv(run / "analysis/joint-A-C-course.csv")
    assert ((noise["low"] > 0) | (noise["high"] < 0)).mean() < 0.25


def test_latents_align_where_they_are_the_same(run, answers):
    pairs = pd.read_csv(run / "analysis/align-folds-pca_ridge-pairs.csv")
    trials, averages = (pairs[pairs["on"] == on] for on in ("trials", "averages"))
    assert len(trials) == len(averages) == 3
    assert (trials["score"] > 0.9).all()
    assert (trials["shuffled"] < 0.1).all()
    assert (trials["p"] == 0.05).all()
    # nothing but noise tells the conditions apart, so their averages have nothing to align
    assert (averages["score"] < 0.3).all()
    assert (averages["n"] == 5).all()
    models = pd.read_csv(run / "analysis/align-pca_ridge-reduced_rank-pairs.csv")
    assert list(models["n"]) == [30] * 3
    assert (models["score"] > models["shuffled"]).all()


def test_without_shared_conditions_only_trials_are_aligned(data, tmp_path):
    asked = {"align": {"models": ["pca_ridge"], "conditions": ["side"], "shuffles": 19}}
    out = experiment.run(make(data, asked), tmp_path / "run", workers=1)
    found = answers_of(out)["align-folds-pca_ridge"]
    assert [notice["code"] for notice in found["notices"]] == ["folds_without_averages"]
    pairs = pd.read_csv(out / "analysis/align-folds-pca_ridge-pairs.csv")
    assert set(pairs["on"]) == {"trials"}
    assert "Condition averages" in report.build(out).read_text()


def test_cell_types_are_asked_one_by_one(answers):
    assert answers["decode-side-counts-A_narrow"]["p"] < 0.05
    assert answers["decode-side-counts-A_narrow"]["score"] > 0.9
    assert answers["decode-side-counts-A_wide"]["p"] > 0.05
    assert answers["decode-side-counts-A_wide"]["area"] == "A wide"


def test_every_block_with_areas_can_be_split(data, tmp_path):
    asked = {
        "over_time": {"labels": ["side"], "areas": ["A"], "folds": 3, "permutations": 40,
                      "generalization": False, "cell_types": True},
        "dimensions": {"areas": ["A"], "components": 4, "cell_types": True},
        "tuning": {"permutations": 100, "cell_types": True},
        "subspace": {"pairs": [["A", "A"]], "folds": 2, "cell_types": True},
    }  # fmt: skip
    alone = make(data, asked, task=None, models=[])
    out = experiment.run(alone, tmp_path / "run")
    found = answers_of(out)
    assert list(found) == [
        "time-side-counts", "subspace-A_narrow-A_wide", "subspace-A_wide-A_narrow",
        "dimensions-A_narrow", "dimensions-A_wide", "tuning-counts-narrow_cells",
            "tuning-counts-wide_cells",
    ]  # fmt: skip
    onsets = pd.read_csv(out / "analysis/time-side-counts-onsets.csv")
    assert list(onsets["area"]) == ["A narrow", "A wide"]
    assert found["tuning-counts-wide_cells"]["n_units"] == 25
    assert "elsewhere narrow does not mean inhibitory" in report.build(out).read_text()


def test_the_page_shows_every_answer(run):
    page = report.build(run).read_text()
    for phrase in (
        "When do two areas covary", "Through how many dimensions", "What each latent and neuron",
        "Are the latents the same", "nothing of C is predicted",
        "12 follow side; none follows nothing",
        "one (it has a single value)", "neurons of C: none passes", "A narrow", "drag to turn",
        "pca_ridge beside reduced_rank", "5 condition averages",
    ):  # fmt: skip
        assert phrase in page, phrase
    captions = [text.split("</")[0] for text in page.split("<figcaption>")[1:]]
    for start in ("Share of the variance", "Left: how well", "Left: held-out", "R² of one set",
                  "The same through three"):  # fmt: skip
        (first, *_) = [text for text in captions if text.startswith(start)]
        assert "It does not show" in first
    assert report.build(run).read_text() == page


LATENTS = {"source": "latents"}


@pytest.mark.parametrize(
    ("analysis", "message"),
    [
        ({"tuning": {"variables": ["sid"]}}, "Did you mean 'side'"),
        ({"tuning": {"variables": ["one"]}}, "'one': it has a single value"),
        ({"tuning": {"areas": ["D"]}}, "unknown area"),
        ({"tuning": {"window": [3, 4]}}, "holds no bin"),
        ({"tuning": LATENTS | {"model": "psth"}}, "unknown model with latents"),
        ({"subspace": {"pairs": [["A", "A"]]}}, "choose two areas"),
        ({"subspace": {"pairs": [["A", "D"]]}}, "unknown area"),
        ({"subspace": {"pairs": [["few", "A"]]}}, "at least 4 are needed"),
        ({"subspace": {"pairs": [["A", "B"]], "bins": 26}}, "between 1 and 25"),
        ({"joint": {"pairs": [["A", "B"]], "max_lag": 25}}, "between 1 and 24"),
        ({"joint": {"pairs": [["A", "B"]], "conditions": ["sid"]}}, "Did you mean"),
        ({"align": {"models": ["pca_rige"]}}, "Did you mean 'pca_ridge'"),
        ({"align": {"conditions": ["sid"]}}, "Did you mean 'side'"),
        ({"tuning": {"areas": ["few"], "cell_types": True}}, "1 narrow, 1 wide, 1 unknown"),
        ({"joint": {"pairs": [["few", "A"]], "cell_types": True}}, "2 of each type"),
    ],
)
def test_a_mistake_is_found_before_anything_is_written(data, tmp_path, analysis, message):
    with pytest.raises(SpikecastError, match=message):
        experiment.run(make(data, analysis), tmp_path / "run", workers=1)
    assert not (tmp_path / "run").exists()


def test_latents_need_a_model_and_cell_types_need_waveforms(data, recording, tmp_path):
    for asked in ({"align": {}}, {"tuning": LATENTS}):
        with pytest.raises(InputError, match="latents are those of a fitted model"):
            experiment.run(make(data, asked, models=["mean_rate"]), tmp_path / "run")
    recording.save(tmp_path / "task.nc")
    for asked in (
        {"dimensions": {"cell_types": True}},
        {"flow": {"pairs": [["VISp", "MOs"]], "cell_types": True}},
    ):
        alone = make(str(tmp_path / "task.nc"), asked, task=None, models=[])
        with pytest.raises(InputError, match="no neuron coordinate 'trough_to_peak'"):
            experiment.run(alone, tmp_path / "run")
    few = recording.select(neurons=[0, 1])
    few.save(tmp_path / "few.nc")
    asked = {"trajectories": {"labels": ["response"], "n_dims": 3}}
    with pytest.raises(InputError, match="between 1 and 2"):
        experiment.run(
            make(str(tmp_path / "few.nc"), asked, task=None, models=[]), tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


def test_tuning_warns_of_variables_that_come_in_runs(tmp_path):
    runs = Recording(planted().dataset.assign_coords(block=("trial", np.repeat([0, 1, 0], 30))))
    runs.save(tmp_path / "runs.nc")
    asked = {"tuning": {"areas": ["C"], "variables": ["block", "side"], "permutations": 100}}
    without = {"task": None, "models": []}
    for null, warned in (("permutation", 1), ("circular_shift", 0)):
        asked["tuning"]["null_labels"] = null
        settings = make(str(tmp_path / "runs.nc"), asked, **without)
        out = experiment.run(settings, tmp_path / null, workers=1)
        (answer,) = answers_of(out).values()
        assert len(answer["notices"]) == warned
        for notice in answer["notices"]:
            assert notice["code"] == "variables_come_in_runs"
            assert notice["values"] == {"variable": "block"}
