import pytest

from spikecast.core.errors import ConfigError
from spikecast.core.schema import to_yaml
from spikecast.runs import config

MINIMAL = {"data": {"path": "simulated"}, "task": {"target": "MOs"}}


def test_what_is_written_is_read_back(tmp_path):
    parsed = config.parse_config({
        **MINIMAL, "models": ["mean_rate", {"small": {"model": "gru", "n_latents": 4}}], "seed": 3,
    })  # fmt: skip
    (tmp_path / "c.yaml").write_text(to_yaml(parsed))
    assert config.read_config(tmp_path / "c.yaml") == parsed
    assert parsed.build_models()["small"].n_latents == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modles": []}, "unknown config key 'modles'. Did you mean 'models'"),
        ({"task": {"taget": "MOs"}}, r"unknown config key 'task.taget'. Did you mean 'target'"),
        ({"task": {}}, "task area_to_area needs a target"),
        ({"data": {}}, r"lacks the key 'data.path'"),
        ({"evaluation": {"folds": 1}}, r"'evaluation.folds'"),
        ({"evaluation": {"split": "random"}}, r"'evaluation.split'"),
        ({"models": ["gruu"]}, "unknown model 'gruu'. Did you mean 'gru'"),
        ({"models": [{"gru": {"n_latent": 3}}]}, "no setting 'n_latent'. Did you mean 'n_latents'"),
        ({"models": ["x" * 5000]}, "unknown model 'xxx"),
        ({"models": [{"a": {"model": []}}]}, "unknown model a list of 0"),
        ({"models": ["gru", "gru"]}, "named twice"),
        ({"models": ["gru", {"gru": {"n_latents": 3}}]}, "listed twice"),
        ({"models": [{"name": "gru"}]}, "a model is its name, .* 'name' has 'gru' for settings"),
        ({"models": ["psth", {"gru": None}]}, "'models.1': a model is .* 'gru' has None for"),
        ({"models": [["gru"]]}, "a model is its name, .* a list of 1 was given"),
        ({"models": [{3: {}}]}, "a model is its name, .* 3 is no name"),
        ({"models": [{"a/b": {"model": "gru"}}]}, "letters, digits"),
        ({"models": [{"x" * 250: {"model": "gru"}}]}, "has 250 characters; up to 100"),
        ({"models": []}, "'models'"),
        ({"seed": -1}, "'seed'"),
        ({"evaluation": {"bootstrap": 10**30}}, "'evaluation.bootstrap'"),
        ({"analysis": {"decode": {"labels": ["a"], "permutations": 10**30}}}, "permutations"),
        ({"search": {"model": "x" * 5000}}, "is not among the models"),
        ({"search": {"trials": 10**12}}, "'search.trials'"),
        ({"task": {"target": ["MOs", "MD", "MOs"]}}, "'MOs' is named twice"),
        ({"task": {"behavior": ["wheel", "wheel"]}}, "'wheel' is named twice"),
        (
            {"analysis": {"tuning": {"variables": ["a", "b", "a"]}}},
            "variables': 'a' is named twice",
        ),
        ({"analysis": {"over_time": {"labels": ["a"], "areas": ["A", "A"]}}}, "'A' is named twice"),
        ({"analysis": {"subspace": {"pairs": [["A", "B"]] * 2}}}, "is named twice"),
        ({"seed": 10**400}, "'seed': Input should be less than or equal to 9223372036854775807"),
        ({"seed": 2**63}, "'seed': Input should be less than or equal to 9223372036854775807"),
        ({"data": {"path": "a", "session": 10**400}}, "'data.session': it is a number of hundreds"),
        (
            {"analysis": {"flow": {"pairs": [["A", "B"]], "lags": [1, 10**400]}}},
            "'analysis.flow.lags': it is a number of hundreds of digits",
        ),
        ({"search": {"space": {"widths": {"values": [1, 10**400]}}}}, "values': it is a number of"),
        ({"task": {"target": []}}, "'task.target': the list is empty; name at least one$"),
        (
            {"task": {"target": "MOs", "source": []}},
            "'task.source': the list is empty; name at least one, or leave it out",
        ),
        ({"analysis": {"dimensions": {"areas": []}}}, "'analysis.dimensions.areas': the list is"),
        ({"analysis": {"tuning": {"areas": []}}}, "areas': the list is empty"),
        ({"analysis": {"tuning": {"variables": []}}}, "variables': the list is empty"),
        ({"analysis": {"decode": {"labels": ["a"], "areas": []}}}, "areas': the list is empty"),
        ({"analysis": {"align": {"models": []}}}, "'analysis.align.models': the list is empty"),
        ({"task": {"behavior": []}}, "behavior is an empty list; name at least one variable"),
        ({"analysis": {"explain": {"targets": ["MOs"], "source": []}}}, "source': the list is em"),
        ({"task": {"kind": "forecast", "lag": 3}}, "forecast takes no lag"),
        ({"task": {"kind": "held_out_neurons", "source": "MD"}}, "takes no source"),
    ],
)
def test_mistakes_are_explained_in_one_line(change, message):
    with pytest.raises(ConfigError, match=message) as caught:
        config.parse_config({**MINIMAL, **change})
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"path": "simulated", "units": ["good", "good"]}},
        {"evaluation": {"conditions": ["block", "block"]}},
        {"analysis": {"decode": {"labels": ["a"], "strata": []}}},
        {"analysis": {"align": {"conditions": []}}},
        {"search": {"model": "pca_ridge", "space": {"widths": {"values": [([1],), ([1],)]}}}},
        {"seed": 2**63 - 1},
    ],
)
def test_lists_in_which_repetition_or_nothing_does_no_harm_are_taken(change):
    assert config.parse_config({**MINIMAL, **change})


def test_files_that_are_no_config_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no file"):
        config.read_config(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1, 2")
    with pytest.raises(ConfigError, match="is not YAML"):
        config.read_config(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match="keys and values"):
        config.read_config(tmp_path / "list.yaml")
    (tmp_path / "code.yaml").write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(ConfigError, match="is not YAML"):
        config.read_config(tmp_path / "code.yaml")


def test_all_takes_every_area_that_is_large_enough(recording):
    parsed = config.parse_config({**MINIMAL, "task": {"target": "all", "min_neurons": 20}})
    assert [task.target for task in parsed.make_tasks(recording)] == ["MOs", "VISp"]
    with pytest.raises(ConfigError, match="no area has 99 neurons"):
        config.parse_config({**MINIMAL, "task": {"target": "all", "min_neurons": 99}}).make_tasks(
            recording
        )


def test_the_other_tasks_can_be_written(recording):
    held_out = config.parse_config(
        {**MINIMAL, "task": {"kind": "held_out_neurons", "target": "VISp"}}
    )
    assert held_out.make_tasks(recording)[0].problem(recording).y.shape[2] == 6
    behavior = config.parse_config(
        {**MINIMAL, "task": {"kind": "behavior", "target": ["wheel", "face"]}}
    )
    assert [task.variable for task in behavior.make_tasks(recording)] == ["wheel", "face"]
    assert {task.window for task in behavior.make_tasks(recording)} == {100}


def test_movement_is_held_against_its_baselines_unless_models_are_named():
    task = {"kind": "behavior", "target": "wheel", "window": 200}
    content = {key: value for key, value in MINIMAL.items() if key != "models"}
    by_default = config.parse_config({**content, "task": task})
    assert {"lagged_ridge", "kalman", "timescales"} <= set(by_default.build_models("continuous"))
    assert "poisson_glm" not in by_default.build_models("continuous")
    again = config.parse_config(by_default.model_dump())
    assert again == by_default
    named = config.parse_config({**content, "task": task, "models": ["mlp"]})
    assert list(named.build_models("continuous")) == ["mlp"]
    areas = config.parse_config({**content, "task": {"target": "MOs"}})
    assert "kalman" not in areas.build_models("counts")
