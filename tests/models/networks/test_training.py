from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from spikecast.core.errors import DivergedError
from spikecast.models.networks import training
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.timescales import TimescalesNet
from spikecast.models.networks.training import train_network, validation_loss
from spikecast.tasks.splits import Fold

CPU = torch.device("cpu")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 12, 3)).astype(np.float32)
    y = rng.poisson(np.exp(0.7 * x[..., :2] - 1)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(y)


def folds(n_members):
    parts = np.array_split(np.arange(30), 5)
    return [Fold(np.setdiff1d(np.arange(30), parts[m]), parts[m]) for m in range(n_members)]


def build(n_members=1):
    return lambda: TimescalesNet("counts", 3, 4, 2, n_members, dropout=0.2)


def test_it_learns(data):
    network, history = train_network(build(), *data, folds(1), Plan(epochs=30), 0, CPU)
    assert history.valid_loss[-1][0] < history.valid_loss[0][0]
    assert len(history.train_loss) == 34  # 3 steps per epoch: 100 steps take 34 epochs
    assert not network.training


def test_the_weights_kept_are_those_of_the_best_epoch(data):
    plan = Plan(epochs=40, learning_rate=0.2, weight_decay=0.0, warmup=None)
    network, history = train_network(build(2), *data, folds(2), plan, 0, CPU)
    best = np.min(history.valid_loss, axis=0)
    assert history.best_epoch == np.argmin(history.valid_loss, axis=0).tolist()
    np.testing.assert_allclose(validation_loss(network, *data, folds(2)), best, rtol=1e-5)
    assert best[0] < history.valid_loss[-1][0]  # this learning rate overfits: the last is worse


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone(data):
    torch.manual_seed(123)
    expected = torch.rand(3)
    torch.manual_seed(123)
    (one, _), (two, _), (other, _) = (
        train_network(build(), *data, folds(1), Plan(epochs=2, min_steps=1), seed, CPU)
        for seed in (7, 7, 8)
    )
    assert torch.equal(torch.rand(3), expected)
    for a, b, c in zip(one.parameters(), two.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.numel() == 1 or not torch.equal(a, c)


def test_threads_that_train_at_once_give_the_same_weights(data):
    def train(seed):
        network, _ = train_network(build(), *data, folds(1), Plan(epochs=5), seed, CPU)
        return list(network.parameters())

    alone = [train(seed) for seed in (0, 1)]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(train, [0, 1, 0, 1]))
    for number, weights in enumerate(together):
        assert all(map(torch.equal, weights, alone[number % 2]))


def test_members_train_as_they_would_alone(data):
    """What one member does must not depend on how the other's batches look."""
    plan = Plan(epochs=3, min_steps=1, clip=None, batch_size=None, warmup=None)

    def first():
        both = build(2)()
        alone = TimescalesNet("counts", 3, 4, 2, 1, dropout=0.0)
        alone.load_state_dict({name: value[:1] for name, value in both.state_dict().items()})
        return alone

    def both():
        whole = build(2)()
        whole.dropout = 0.0
        return whole

    together, _ = train_network(both, *data, folds(2), plan, 0, CPU)
    alone, _ = train_network(first, *data, folds(1), plan, 0, CPU)
    for a, b in zip(together.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(a[:1], b, atol=1e-5, rtol=1e-4)


class Explodes(Network):
    def __init__(self):
        super().__init__("counts")
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.weight * x[..., :2] * float("inf")


def test_a_loss_that_is_no_number_stops_with_what_to_do(data):
    with pytest.raises(DivergedError, match="Lower learning_rate"):
        train_network(Explodes, *data, folds(1), Plan(), 0, CPU)


def test_without_improvement_it_stops_after_its_patience(data):
    x, y = data
    plan = Plan(epochs=500, patience=3, learning_rate=0.1, warmup=None)
    _, history = train_network(build(), x, y, folds(1), plan, 0, CPU)
    assert len(history.valid_loss) == history.best_epoch[0] + 1 + 3


def test_a_batch_larger_than_the_data_takes_all(data):
    x, y = data
    network, _ = train_network(build(), x[:3], y[:3], [Fold(np.arange(2), np.array([2]))],
                       Plan(batch_size=64, epochs=2, min_steps=1), 0, CPU)  # fmt: skip
    assert all(torch.isfinite(p).all() for p in network.parameters())


def test_members_with_unequal_validation_parts_are_averaged_over_their_own(data):
    x, y = data
    network = build(2)().eval()
    unequal = [Fold(np.arange(10), np.arange(20, 27)), Fold(np.arange(10), np.arange(25, 28))]
    found = validation_loss(network, x, y, unequal, samples=2 * x.shape[1])
    with torch.no_grad():
        every = network.loss(x.expand(2, *x.shape), y.expand(2, *y.shape))
    expected = [every[0, 20:27].mean(), every[1, 25:28].mean()]
    torch.testing.assert_close(found, torch.stack(expected))


WHOLE = Fold(np.arange(30), np.arange(0))


def test_members_without_validation_trials_stop_with_those_that_have_some(data):
    x, y = data
    network = build(2)().eval()
    (own,) = validation_loss(network, x, y, [*folds(1), folds(1)[0]])[:1]
    torch.testing.assert_close(validation_loss(network, x, y, [*folds(1), WHOLE]), own.expand(2))
    none = validation_loss(network, x, y, [WHOLE, WHOLE])
    assert torch.equal(none, torch.zeros(2))


@pytest.mark.parametrize("tolerance", [0.0, 1e6])
def test_members_stopped_together_keep_their_last_weights_unless_they_lost_too_much(
    data, monkeypatch, tolerance
):
    monkeypatch.setattr(training, "TOLERANCE", tolerance)
    plan = Plan(epochs=40, learning_rate=0.2, weight_decay=0.0, warmup=None)
    parts = [*folds(2), WHOLE]
    network, history = train_network(build(3), *data, parts, plan, 0, CPU)
    losses = [loss for loss, *_ in history.valid_loss]
    kept = 39 if tolerance else int(np.argmin(losses))
    assert history.best_epoch == [kept] * 3
    np.testing.assert_allclose(validation_loss(network, *data, parts)[0], losses[kept], rtol=1e-5)
    assert min(losses) < losses[-1]


def test_a_warm_up_of_one_step_is_no_trouble():
    x, y = torch.randn(5, 6, 3), torch.zeros(5, 6, 2)
    plan = Plan(epochs=5, min_steps=5, batch_size=5, warmup=0.2)
    folds = [Fold(np.arange(5), np.arange(0))]
    _, history = train_network(
        lambda: TimescalesNet("counts", 3, 4, 2), x, y, folds, plan, 0, torch.device("cpu")
    )
    assert len(history.train_loss) == 5


@pytest.mark.parametrize("n_members", [1, 2])
def test_all_trials_at_once_are_taken_as_they_are(data, n_members):
    seen = []

    class Watching(TimescalesNet):
        def loss(self, x, y):
            seen.append((x.data_ptr(), x.shape))
            return super().loss(x, y)

    everything = [Fold(np.arange(30), np.arange(0))] * n_members
    plan = Plan(epochs=2, min_steps=1, batch_size=None)
    _, history = train_network(
        lambda: Watching("counts", 3, 4, 2, n_members, dropout=0.0), *data, everything, plan, 0, CPU
    )
    assert seen == [(data[0].data_ptr(), (n_members, *data[0].shape))] * 2
    assert history.train_loss[1][0] < history.train_loss[0][0]
