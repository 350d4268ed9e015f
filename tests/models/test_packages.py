"""Models of installed packages: found by entry point, left out with a notice where broken."""

import importlib
import subprocess
import sys
import textwrap

import pytest

CODE = """
import numpy as np
from spikecast.models import ForeignModel, Model

class Twice(Model):
    about, paper = "twice the mean", "test"

    def __init__(self, factor=2.0):
        self.factor = factor

    def _fit(self, x, y):
        self.mean_ = y.mean(axis=(0, 1))

    def _predict(self, x):
        return np.broadcast_to(self.factor * self.mean_, (*x.shape[:2], self.n_targets_))

class Plain:
    def fit(self, x, y):
        self.mean = y.mean(axis=(0, 1))

    def predict(self, x):
        return np.broadcast_to(self.mean, (*x.shape[:2], len(self.mean)))

class Wrapped(ForeignModel):
    about, paper = "a plain class", "test"

    def __init__(self, seed=None):
        super().__init__(None, seed=seed)

    def make_estimator(self):
        return Plain()
"""
POINTS = """
[spikecast.models]
twice = fake_models:Twice
wrapped = fake_models:Wrapped
psth = fake_models:Twice
plain = fake_models:Plain
absent = fake_models:Absent
nowhere = no_such_module:Model
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / "fake_models.py").write_text(textwrap.dedent(CODE))
    info = tmp_path / "fake_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path
    sys.modules.pop("fake_models", None)


def test_models_of_packages_are_found_and_broken_ones_are_named(package):
    from spikecast.models.packages import find_package_models
    from spikecast.models.single import SINGLE

    models, notices = find_package_models(SINGLE)
    assert sorted(models) == ["twice", "wrapped"]
    assert {notice.code for notice in notices} == {"broken_model"}
    assert {notice.values["name"] for notice in notices} == {"psth", "plain", "absent", "nowhere"}
    assert {notice.values["package"] for notice in notices} == {"fake-package"}
    assert all(notice.values["name"] in str(notice) for notice in notices)


def test_the_catalogue_holds_them_by_name(package, tmp_path):
    code = f"""
import sys
sys.path.insert(0, {str(package)!r})
import numpy as np
from spikecast.models import MODELS, load, save
from spikecast.models.catalog import NOTICES
x = np.random.default_rng(0).poisson(0.5, (6, 10, 4))
for name in ("twice", "wrapped"):
    assert MODELS[name]().fit(x, x[..., :2]).predict(x).shape == (6, 10, 2)
model = MODELS["twice"](factor=3.0).fit(x, x)
save(model, {str(tmp_path / "saved")!r})
assert np.array_equal(load({str(tmp_path / "saved")!r}).predict(x), model.predict(x))
assert len(NOTICES) == 4
from spikecast.cli import main
sys.argv = ["spikecast", "models"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "twice the mean" in done.stdout  # the command line lists what is found
    for name in ("psth", "plain", "absent", "nowhere"):  # and says what is left out
        assert f"'{name}'" in done.stderr
