"""Features of the past are of the past."""

import numpy as np

from spikecast.analysis.interareal.granger_model import average_past
from spikecast.analysis.interareal.populations import average_lags, project_components


def test_features_of_the_past_never_see_the_present_or_the_future():
    rng = np.random.default_rng(0)
    x = rng.poisson(0.5, (8, 30, 6))
    changed = x.copy()
    changed[6:, 15:] = 9  # trials the axes are not learnt from
    train = np.arange(6)
    before, after = (project_components(counts, train, 3) for counts in (x, changed))
    np.testing.assert_array_equal(average_past(before, 8)[:, :16], average_past(after, 8)[:, :16])
    np.testing.assert_array_equal(
        average_lags(before, 2, 3)[:, :17], average_lags(after, 2, 3)[:, :17]
    )
    assert not np.array_equal(average_past(before, 8)[6:, 16], average_past(after, 8)[6:, 16])
