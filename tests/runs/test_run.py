"""A config runs from Python as from a file."""

import pandas as pd
import pytest
import yaml

import spikecast as sc

CONFIG = {
    "data": {"path": "simulated"},
    "task": {"target": "MOs"},
    "models": ["mean_rate"],
    "evaluation": {"folds": 2, "bootstrap": 100},
}


def test_a_dict_and_a_file_give_the_same_scores(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    first = sc.run(CONFIG, tmp_path / "first", workers=1)
    second = sc.run(path, tmp_path / "second", workers=1)
    tables = [pd.read_csv(folder / "scores.csv") for folder in (first, second)]
    pd.testing.assert_frame_equal(*(table.drop(columns="fit_seconds") for table in tables))


def test_an_unknown_key_is_answered_by_the_nearest(tmp_path):
    with pytest.raises(sc.errors.ConfigError, match="Did you mean 'task'"):
        sc.run(CONFIG | {"tasks": {}}, tmp_path / "run")
    assert not (tmp_path / "run").exists()
