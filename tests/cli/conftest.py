"""A file that commands of these tests read."""

import pytest

from spikecast.data.readers import steinmetz


@pytest.fixture(scope="session")
def data(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "task.npz"
    steinmetz.write([recording, recording.select(trials=range(12))], path)
    return path
