import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from spikecast.core.errors import FormatError, InputError, UnsavedModelError
from spikecast.models import storage
from spikecast.models.catalog import MODELS
from spikecast.models.lagged_ridge import LaggedRidge
from spikecast.models.linear import PCARidge
from spikecast.models.mean_rate import MeanRate
from spikecast.models.timescales import Timescales


@pytest.fixture
def stem(tmp_path):
    rng = np.random.default_rng(0)
    model = PCARidge(n_components=3).fit(rng.poisson(1, (8, 9, 4)), rng.poisson(1, (8, 9, 2)))
    storage.save(model, tmp_path / "model")
    return tmp_path / "model"


def test_a_class_that_is_not_ours_is_refused(stem):
    description = json.loads(stem.with_suffix(".json").read_text())
    description["class"] = "Popen"
    stem.with_suffix(".json").write_text(json.dumps(description))
    with pytest.raises(FormatError, match="'Popen' is not a model"):
        storage.load(stem)


def test_missing_and_damaged_files_are_refused(stem):
    with pytest.raises(FormatError, match="there is no file"):
        storage.load(stem.with_name("other"))
    stem.with_suffix(".safetensors").write_bytes(b"12345")
    with pytest.raises(FormatError, match="damaged"):
        storage.load(stem)


def test_latents_and_time_constants_come_back(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.poisson(1, (10, 9, 4)), rng.poisson(1, (10, 9, 2))
    model = Timescales(n_latents=5, n_members=2, epochs=1).fit(x, y)
    storage.save(model, tmp_path / "model")
    again = storage.load(tmp_path / "model")
    np.testing.assert_array_equal(again.transform(x), model.transform(x))
    np.testing.assert_array_equal(again.time_constants_, model.time_constants_)
    assert again.training_ == model.training_


def test_a_model_that_holds_a_foreign_object_is_not_half_written(tmp_path):
    x = np.random.default_rng(0).poisson(1, (8, 9, 4))
    model = PCARidge(n_components=3).fit(x, x)
    model.extra_ = object()
    with pytest.raises(UnsavedModelError, match="holds a object"):
        storage.save(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


ODD = (None, True, -1, 0, 1.5, float("nan"), "x", [], {}, {"a": 1})


def list_places(value, place=()):
    yield place
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in [*items, *(enumerate(value) if isinstance(value, list) else ())]:
        yield from list_places(inner, (*place, key))


def replace(value, place, other):
    if not place:
        return other
    part = dict(value) if isinstance(value, dict) else list(value)
    part[place[0]] = replace(part[place[0]], place[1:], other)
    return part


@pytest.mark.parametrize("name", ["pca_ridge", "psth", "poisson_glm"])
def test_a_changed_model_is_refused_or_can_be_used(tmp_path, name):
    rng = np.random.default_rng(0)
    x, y = rng.poisson(1, (9, 8, 4)), rng.poisson(1, (9, 8, 2))
    model = MODELS[name]().fit(x, y)
    stem = tmp_path / "model"
    storage.save(model, stem)
    description = json.loads(stem.with_suffix(".json").read_text())
    del description["checksum"]  # as of an earlier version: else no other arrays are loaded
    weights = load_file(stem.with_suffix(".safetensors"))
    refused = []

    def use():
        try:
            again = storage.load(stem)
            assert np.isfinite(again.predict(x)).all()
            if again.has_latents:
                again.transform(x)
        except InputError as error:  # never one of numpy
            refused.append(error)

    for place in list_places(description):
        for other in ODD:
            changed = json.dumps(replace(description, place, other))
            stem.with_suffix(".json").write_text(changed)
            use()
    stem.with_suffix(".json").write_text(json.dumps(description))
    for key, own in weights.items():
        for other in (np.full(own.shape, np.nan), np.empty(0), own[..., np.newaxis], own[1:],
                      np.concatenate([own, own])):  # fmt: skip
            changed = weights | {key: np.ascontiguousarray(other)}
            save_file(changed, stem.with_suffix(".safetensors"))
            use()
    assert len(refused) > 50


def test_weights_that_are_no_numbers_are_refused_when_the_model_is_loaded(stem):
    path = stem.with_suffix(".safetensors")
    description = json.loads(stem.with_suffix(".json").read_text())
    del description["checksum"]  # as of an earlier version
    stem.with_suffix(".json").write_text(json.dumps(description))
    weights = load_file(path)
    save_file(weights | {"weights_": np.full_like(weights["weights_"], np.nan)}, path)
    with pytest.raises(FormatError, match="do not fit together, or are not finite"):
        storage.load(stem)
    save_file(weights | {"weights_": weights["weights_"][1:]}, path)
    with pytest.raises(FormatError, match="damaged"):
        storage.load(stem)


def test_arrays_of_another_fit_are_refused(stem):
    x = np.random.default_rng(1).poisson(1, (8, 9, 4))
    other = stem.with_name("other")
    storage.save(PCARidge(n_components=3).fit(x, x[..., :2]), other)
    arrays = other.with_suffix(".safetensors").read_bytes()
    stem.with_suffix(".safetensors").write_bytes(arrays)
    with pytest.raises(FormatError, match="not those that were written with its description"):
        storage.load(stem)


@pytest.mark.parametrize("name", ["predict", "__class__", "_fit_"])
def test_only_what_a_fit_sets_is_put_back(stem, name):
    description = json.loads(stem.with_suffix(".json").read_text())
    description["state"][name] = {"value": "x"}
    stem.with_suffix(".json").write_text(json.dumps(description))
    with pytest.raises(FormatError, match=f"it names '{name}' as fitted"):
        storage.load(stem)


def test_settings_far_beyond_the_arrays_are_refused(stem):
    # what is built of them would take all memory before the arrays do not fit
    model = LaggedRidge(lags=1).fit(np.ones((6, 5, 2)), np.ones((6, 5, 2)))
    storage.save(model, stem)
    path = stem.with_name(f"{stem.name}.json")
    description = json.loads(path.read_text())
    description["parameters"]["lags"] = 10**9
    path.write_text(json.dumps(description))
    with pytest.raises(FormatError, match="lags is 1000000000, far more than its arrays hold"):
        storage.load(stem)


@pytest.mark.parametrize("name", ["n_members", "held_out_parts", "n_layers"])
def test_networks_far_beyond_the_arrays_are_refused(stem, name):
    description = json.loads(stem.with_suffix(".json").read_text())
    description["parameters"][name] = 10**9
    stem.with_suffix(".json").write_text(json.dumps(description))
    with pytest.raises(FormatError, match=f"{name} is 1000000000, far more"):
        storage.load(stem)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(stem):
    storage.save(MeanRate().fit(np.ones((4, 3, 2)), np.ones((4, 3, 2))), stem)
    path = stem.with_name(f"{stem.name}.json")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FormatError, match=r"\.json is a pipe or a device, not a file"):
        storage.load(stem)
