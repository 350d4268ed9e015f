import numpy as np
import torch

from spikecast.models.networks.batches import Batches
from spikecast.tasks.splits import Fold

CPU = torch.device("cpu")


def folds_of_three():
    return [Fold(np.setdiff1d(np.arange(10), test), test) for test in np.arange(6).reshape(3, 2)]


def test_members_that_share_batches_learn_from_their_own_trials_only():
    batches = Batches(folds_of_three(), batch_size=4, n_trials=10, shared=True)
    seen = torch.zeros(3, 10)
    for trials, learns in batches.draw():
        assert trials.shape == (1, 5)  # 10 of 8 times 4
        for member in range(3):
            seen[member, trials[0, learns[member]]] += 1
    assert torch.equal(seen, batches.learns.float())
    assert not seen[0, :2].any()
    assert batches.steps == 2


def test_members_with_batches_of_their_own_see_whole_batches():
    batches = Batches(folds_of_three(), batch_size=4, n_trials=10, shared=False)
    drawn = list(batches.draw())
    assert len(drawn) == batches.steps == 2
    for trials, learns in drawn:
        assert trials.shape == (3, 4)
        assert learns.all()
