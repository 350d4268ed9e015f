"""Mistakes in questions are named before anything is written."""

import numpy as np
import pytest
from planted_questions import LATENTS, make_alone, make_pairs_config, make_task_config

from spikecast.core.errors import ConfigError, InputError, SpikecastError
from spikecast.data.recording import Recording
from spikecast.runs import config, experiment


@pytest.mark.parametrize(
    ("analysis", "message"),
    [
        ({"decode": {"labels": ["respons"]}}, "Did you mean 'response'"),
        ({"decode": {"labels": ["contrast_rigt>0"]}}, "Did you mean 'contrast_right'"),
        ({"decode": {"labels": ["response"], "areas": ["VSIp"]}}, "Did you mean 'VISp'"),
        ({"decode": {"labels": ["response"], "folds": 40}}, "fewer than the 40 folds"),
        ({"decode": {"labels": ["contrast_right>5"]}}, "at least two classes"),
        ({"decode": {"labels": ["response"], "sources": ["latents"], "model": "psth"}},
         "unknown model with latents"),
        ({"over_time": {"labels": ["response"], "sources": ["latents"]}}, "acausal"),
        ({"over_time": {"labels": ["response"], "strata": ["contrast"]}}, "Did you mean"),
        ({"decode": {"labels": ["contrast_left>0"], "strata": ["contrast_left"]}},
         "nothing to find beyond"),
        ({"flow": {"pairs": [["VISp", "VISp"]]}}, "choose two areas"),
        ({"flow": {"pairs": [["VISp", "MOs"]], "conditions": ["contrast"]}}, "Did you mean"),
        ({"dimensions": {"areas": ["V1"]}}, "unknown area"),
        ({"trajectories": {"labels": ["respons"]}}, "Did you mean 'response'"),
    ],
)  # fmt: skip
def test_a_mistake_leaves_no_folder(task_file, tmp_path, analysis, message):
    with pytest.raises(SpikecastError, match=message):
        experiment.run(make_task_config(task_file, analysis), tmp_path / "run", workers=1)
    assert not (tmp_path / "run").exists()


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
def test_a_mistake_about_pairs_or_latents_leaves_no_folder(pairs_file, tmp_path, analysis, message):
    with pytest.raises(SpikecastError, match=message):
        experiment.run(make_pairs_config(pairs_file, analysis), tmp_path / "run", workers=1)
    assert not (tmp_path / "run").exists()


def test_mistakes_in_a_block_name_its_place(task_file):
    with pytest.raises(ConfigError, match=r"'analysis.decode.0.lables'. Did you mean 'labels'"):
        make_task_config(task_file, {"decode": {"lables": ["response"]}})
    with pytest.raises(ConfigError, match=r"'analysis.decode.0.folds'"):
        make_task_config(task_file, {"decode": [{"labels": ["response"], "folds": 1}]})
    with pytest.raises(ConfigError, match=r"'analysis.flo'. Did you mean 'flow'"):
        make_task_config(task_file, {"flo": {}})
    with pytest.raises(ConfigError, match="Did you mean 'lda'"):
        make_task_config(task_file, {"decode": {"labels": ["response"], "decoder": "ldaa"}})
    within = {"labels": ["response"], "strata": ["contrast_left"]}
    with pytest.raises(ConfigError, match="strata go with null_labels: auto, label_shuffle"):
        make_task_config(task_file, {"decode": within | {"null_labels": "circular_shift"}})
    with pytest.raises(ConfigError, match="neither a task"):
        config.parse_config({"data": {"path": task_file}})


def test_latents_need_a_model_and_a_failure_leaves_no_folder(task_file, tmp_path):
    with pytest.raises(InputError, match="latents are those of a fitted model"):
        experiment.run(
            make_alone(task_file, {"decode": {"labels": ["response"], "sources": ["latents"]}}),
            tmp_path / "run",
        )
    # pseudo-sessions of a label that never repeats cannot be drawn: found out only while at it
    recording = Recording.from_arrays(
        np.ones((20, 4, 3), dtype=int), [0.0, 0.1, 0.2, 0.3], "VISp",
        trials={"side": np.tile(["left", "right"], 10)},
    )  # fmt: skip
    recording.save(tmp_path / "still.nc")
    with pytest.raises(InputError, match="none of the 3 features varies"):
        experiment.run(
            make_alone(str(tmp_path / "still.nc"), {"decode": {"labels": ["side"]}}),
            tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()


def test_latents_need_a_model_and_cell_types_need_waveforms(pairs_file, recording, tmp_path):
    for questions in ({"align": {}}, {"tuning": LATENTS}):
        with pytest.raises(InputError, match="latents are those of a fitted model"):
            experiment.run(
                make_pairs_config(pairs_file, questions, models=["mean_rate"]), tmp_path / "run"
            )
    recording.save(tmp_path / "task.nc")
    for questions in (
        {"dimensions": {"cell_types": True}},
        {"flow": {"pairs": [["VISp", "MOs"]], "cell_types": True}},
    ):
        alone = make_alone(str(tmp_path / "task.nc"), questions)
        with pytest.raises(InputError, match="no neuron coordinate 'trough_to_peak'"):
            experiment.run(alone, tmp_path / "run")
    few = recording.select(neurons=[0, 1])
    few.save(tmp_path / "few.nc")
    questions = {"trajectories": {"labels": ["response"], "n_dims": 3}}
    with pytest.raises(InputError, match="between 1 and 2"):
        experiment.run(make_alone(str(tmp_path / "few.nc"), questions), tmp_path / "run")
    assert not (tmp_path / "run").exists()
