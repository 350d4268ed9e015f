"""Studies on recordings small enough for tests."""

import pytest

from spikecast.runs.studies import preset as presets
from spikecast.runs.studies.run import run_study


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Run a study on a simulation of the test's own size; returns the folder."""

    def execute(name, change, out=None, **arguments):
        quick = presets.make_quick(presets.read_preset(name))
        content = presets.merge(quick.model_dump(exclude={"quick"}), change)
        patch = pytest.MonkeyPatch()
        patch.setattr(presets, "read_preset", lambda _: presets.Preset.model_validate(content))
        try:
            out = out or tmp_path_factory.mktemp(name) / "study"
            return run_study(name, out, workers=1, **arguments)
        finally:
            patch.undo()

    return execute
