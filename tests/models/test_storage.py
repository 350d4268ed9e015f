import json

import numpy as np
import pytest

from spikecast.core.errors import FormatError, UnsavedModelError
from spikecast.models import storage
from spikecast.models.linear import PCARidge
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
