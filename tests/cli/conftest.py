"""A file that commands of these tests read."""

import pytest
from packagings import write_steinmetz


@pytest.fixture(scope="session")
def data(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "task.npz"
    write_steinmetz(path, recording, recording.select(trials=range(12)))
    return path
