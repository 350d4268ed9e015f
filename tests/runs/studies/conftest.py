"""Studies on recordings small enough for tests."""

import pytest

from spikecast.runs.studies import run
from spikecast.runs.studies.preset import Preset, make_quick, merge, read_preset


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Run a study on a simulation of the test's own size; returns the folder."""

    def run_small(name, change, out=None, **arguments):
        quick = make_quick(read_preset(name))
        content = merge(quick.model_dump(exclude={"quick"}), change)
        patch = pytest.MonkeyPatch()
        patch.setattr(run, "read_preset", lambda _: Preset.model_validate(content))
        try:
            out = out or tmp_path_factory.mktemp(name) / "study"
            return run.run_study(name, out, workers=1, **arguments)
        finally:
            patch.undo()

    return run_small
