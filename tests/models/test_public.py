"""What people import: ``spikecast.models``."""

import subprocess
import sys

from spikecast import models
from spikecast.models.ensemble import Auto, Ensemble, Stack
from spikecast.models.single import SINGLE


def test_every_model_is_exported_by_its_class_name():
    for model in [*SINGLE.values(), Ensemble, Stack, Auto]:
        assert getattr(models, model.__name__) is model
        assert model.__name__ in dir(models)
        assert model.__name__ in models.__all__
    for name in models.__all__:
        assert getattr(models, name) is not None


def test_torch_is_imported_when_a_network_is_fitted_and_not_before():
    code = """
import sys
import numpy as np
from spikecast import models
from spikecast.models import classifiers, storage
from spikecast.runs import fits
x = np.random.default_rng(0).poisson(0.5, (12, 10, 4))
models.PoissonGLM().fit(x, x).predict(x)
model = models.GRU(epochs=1, n_latents=2)
assert models.MODELS["gru"] is models.GRU
assert "torch" not in sys.modules
model.fit(x, x)
assert "torch" in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
