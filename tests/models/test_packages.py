"""Models of installed packages: found by entry point, left out with a notice where broken."""

import importlib
import inspect
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

CODE = '''
CODE = "no class"
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
    """The mean over trials and bins."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, x, y):
        self.mean = self.factor * y.mean(axis=(0, 1))

    def predict(self, x):
        return np.broadcast_to(self.mean, (*x.shape[:2], len(self.mean)))

class Wrapped(ForeignModel):
    about, paper = "a plain class", "test"

    def __init__(self, seed=None):
        super().__init__(None, seed=seed)

    def make_estimator(self):
        return Plain()

class Unusable:
    """No fit, no predict."""
'''
POINTS = """
[spikecast.models]
twice = fake_models:Twice
wrapped = fake_models:Wrapped
psth = fake_models:Twice
plain = fake_models:Plain
unusable = fake_models:Unusable
instance = fake_models:CODE
absent = fake_models:Absent
nowhere = no_such_module:Model
"""
BROKEN = ["psth", "unusable", "instance", "absent", "nowhere"]


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
    assert sorted(models) == ["plain", "twice", "wrapped"]
    assert {notice.code for notice in notices} == {"broken_model"}
    assert {notice.values["name"] for notice in notices} == set(BROKEN)
    assert {notice.values["package"] for notice in notices} == {"fake-package"}
    assert all(notice.values["name"] in str(notice) for notice in notices)


def test_a_plain_class_is_wrapped_with_its_settings(package):
    from spikecast.models.packages import find_package_models

    plain = find_package_models([])[0]["plain"]
    assert plain.about == "The mean over trials and bins."
    assert list(inspect.signature(plain).parameters) == ["factor"]  # what a config may set
    x = np.random.default_rng(0).poisson(0.5, (6, 10, 4))
    model = pickle.loads(pickle.dumps(plain(factor=2.0))).fit(x, x)  # as other processes get it
    np.testing.assert_allclose(model.predict(x)[0, 0], 2 * x.mean(axis=(0, 1)))


def test_the_catalogue_holds_them_by_name(package, tmp_path):
    code = f"""
import sys
sys.path.insert(0, {str(package)!r})
import numpy as np
from spikecast.models import MODELS, load, save
from spikecast.models.catalog import NOTICES
x = np.random.default_rng(0).poisson(0.5, (6, 10, 4))
for name in ("twice", "wrapped", "plain"):
    assert MODELS[name]().fit(x, x[..., :2]).predict(x).shape == (6, 10, 2)
model = MODELS["twice"](factor=3.0).fit(x, x)
save(model, {str(tmp_path / "saved")!r})
assert np.array_equal(load({str(tmp_path / "saved")!r}).predict(x), model.predict(x))
assert len(NOTICES) == 5
from spikecast.cli import main
sys.argv = ["spikecast", "models"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "twice the mean" in done.stdout  # the command line lists what is found
    for name in BROKEN:  # and says what is left out
        assert f"'{name}'" in done.stderr
