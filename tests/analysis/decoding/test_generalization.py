"""A decoder of one time at every other."""

import numpy as np

from spikecast.analysis.decoding.generalization import temporal_generalization
from spikecast.analysis.decoding.sources import Counts
from spikecast.data.recording import Recording


def test_generalization_separates_a_lasting_code_from_a_passing_one():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 30)
    x = rng.normal(size=(60, 12, 12))
    lasting, passing = x.copy(), x.copy()
    lasting[:, 4:, 0] += 3 * y[:, None]
    for t in range(4, 12):
        passing[:, t, t] += 3 * y
    first, second = (
        temporal_generalization(
            Recording.from_arrays(z, 0.01 * np.arange(12), "A", trials={"y": y}, kind="continuous"),
            "y", source=Counts(0.01), n_permutations=60,
        )
        for z in (lasting, passing)
    )  # fmt: skip
    assert first.significant[4:, 4:].mean() > 0.9
    assert first.significant[:4].mean() < 0.1
    assert np.diag(second.significant)[4:].all()
    assert second.significant[5, 8:].mean() < 0.5
    assert len(first.table) == 144
