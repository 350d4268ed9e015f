"""A file that commands of these tests read."""

import pytest
from packagings import write_steinmetz


@pytest.fixture(scope="module", autouse=True)
def cheap_runs(few_steps, one_width, quick_pages):
    """Commands are looked at here, not scores and figures."""


@pytest.fixture(scope="session")
def data(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "task.npz"
    write_steinmetz(path, recording, recording.select(trials=range(12)))
    return path
