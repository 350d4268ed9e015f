"""Studies on recordings small enough for tests."""

from itertools import combinations

import pytest
from undrawn_pages import leave_undrawn

from spikecast.models.networks import training
from spikecast.report.study import page, text
from spikecast.runs.studies import run
from spikecast.runs.studies.preset import Preset, make_quick, merge, read_preset


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Run a study on a simulation of the test's own size; returns the folder.

    Its networks train for the epochs asked for or, `trained`, for as many steps as they need.
    """

    def run_small(name, change, out=None, trained=False, **arguments):
        quick = make_quick(read_preset(name))
        content = merge(quick.model_dump(exclude={"quick"}), change)
        patch = pytest.MonkeyPatch()
        patch.setattr(run, "read_preset", lambda _: Preset.model_validate(content))
        if not trained:
            patch.setattr(training, "count_epochs", lambda plan, steps: plan.epochs)
        try:
            out = out or tmp_path_factory.mktemp(name) / "study"
            return run.run_study(name, out, workers=1, **arguments)
        finally:
            patch.undo()

    return run_small


@pytest.fixture
def build_page(monkeypatch):
    """Build the page of a study, not those of its runs (livewired's test builds them as well)."""
    monkeypatch.setattr(page.run_page, "build", lambda folder, workers: None)
    return page.build


@pytest.fixture
def build_all_pages(monkeypatch):
    """Build the page of a study, and those of its runs, whose figures tests/report looks at."""
    build = page.run_page.build

    def build_undrawn(folder, workers):
        with leave_undrawn():
            return build(folder, 1)

    monkeypatch.setattr(page.run_page, "build", build_undrawn)
    return page.build


@pytest.fixture
def check_rows():
    """Check what every table keeps, of the facts of a study."""
    return keep_the_rules


def keep_the_rules(facts):
    """No empty cell without a reason, no unlike units without one, no number in two rows."""
    for row in facts["columns"]:
        assert row["reported"]
        for column in ("described", "sound"):
            written = text.cell(row[column], facts, row[f"no_{column}"])
            assert written
            # a number with the name of a column would read as another cell
            called = {measure["name"] for measure in row[column]}
            assert not called & {"reported", "as described", "sound"}, (row["key"], column)
            assert text.UNEXPLAINED not in " ".join(written), (row["key"], column)
        because = " ".join(text.because(row, facts["staircases"]))
        assert text.UNEXPLAINED not in because, row["key"]
    for column in ("described", "sound"):
        for one, other in combinations(facts["columns"], 2):
            shared = [measure for measure in one[column] if measure in other[column]]
            assert not shared, (one["key"], other["key"], shared)
