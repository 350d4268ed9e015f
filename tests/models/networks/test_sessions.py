import pytest
import torch

from spikecast.core.errors import ShapeError
from spikecast.models.networks.sessions import (
    Sessions,
    align_readin,
    core_parameters,
    find_shared_components,
    use_core,
)
from spikecast.models.networks.timescales import TimescalesNet


def network(n_features=4, n_targets=2, n_latents=3, seed=0):
    torch.manual_seed(seed)
    return TimescalesNet("counts", n_features, n_latents, n_targets, n_members=2, dropout=0.0)


def test_sessions_share_the_core_and_nothing_else():
    one, two = network(), network(6, 3, seed=1)
    both = Sessions([one, two], [4, 6], [2, 3])
    assert set(core_parameters(one)) == {
        f"layers.0.{name}" for name in ("log_time_constant", "balance", "gate", "gate_offset")
    }
    for name, parameter in core_parameters(one).items():
        assert core_parameters(two)[name] is parameter
    assert sum(p is one.layers[0].gate for p in both.decayed_weights()) == 1
    assert {id(p) for p in both.parameters()} == {
        *map(id, one.parameters()), id(two.layers[0].readin), id(two.readout), id(two.offset)
    }  # fmt: skip


def test_the_loss_is_the_mean_over_sessions_of_what_each_alone_would_have():
    one, two = network(), network(6, 3, seed=1)
    both = Sessions([one, two], [4, 6], [2, 3])
    x, y = torch.randn(2, 5, 8, 10), torch.ones(2, 5, 8, 5)
    apart = one.loss(x[..., :4], y[..., :2]), two.loss(x[..., 4:], y[..., 2:])
    torch.testing.assert_close(both.loss(x, y), (apart[0] + apart[1]) / 2)


def test_a_frozen_core_is_a_copy_without_a_gradient():
    known, new = network(), network(6, 3, seed=1)
    use_core(new, known, frozen=True)
    assert torch.equal(new.layers[0].gate, known.layers[0].gate)
    assert new.layers[0].gate is not known.layers[0].gate
    trained = {name for name, p in new.named_parameters() if p.requires_grad}
    assert trained == {"layers.0.readin", "readout", "offset"}


def test_a_core_to_be_tuned_is_a_copy_that_learns():
    known, new = network(), network(6, 3, seed=1)
    use_core(new, known, frozen=False)
    assert torch.equal(new.layers[0].gate, known.layers[0].gate)
    assert new.layers[0].gate is not known.layers[0].gate
    assert all(p.requires_grad for p in new.parameters())


def test_cores_of_other_sizes_are_refused():
    with pytest.raises(ShapeError, match="cores disagree"):
        use_core(network(n_latents=5), network())


def test_regression_finds_the_directions_that_sessions_share():
    """Each session mixes the same three time courses into its features, next to noise."""
    torch.manual_seed(0)
    truth = torch.linalg.qr(torch.randn(200, 3))[0] * torch.tensor([3.0, 2.0, 1.0])
    sessions = [
        truth @ torch.linalg.qr(torch.randn(n, 3))[0].T + 0.01 * torch.randn(200, n)
        for n in (6, 9, 7)
    ]
    shared, axes = find_shared_components(sessions, 3)
    scores = torch.stack([mean @ directions for mean, directions in zip(sessions, axes)])
    for component in range(3):
        assert torch.corrcoef(scores[..., component])[0, 1:].min() > 0.95
    # a further session is aligned to what is known
    _, (new,) = find_shared_components([sessions[1]], 3, shared)
    torch.testing.assert_close(new, axes[1], atol=1e-4, rtol=1e-4)
    for directions in axes:
        torch.testing.assert_close(directions.T @ directions, torch.eye(3), atol=1e-5, rtol=0)


def test_read_ins_become_alike_where_sessions_are_and_stay_as_they_were_elsewhere():
    net = network(6)
    axes = torch.linalg.qr(torch.randn(6, 2))[0]
    before, wanted = net.layers[0].readin.detach().clone(), torch.randn(2, 3, 2)
    align_readin(net, axes, wanted)
    torch.testing.assert_close(net.layers[0].readin.detach() @ axes, wanted)
    rest = torch.eye(6) - axes @ axes.T
    torch.testing.assert_close(net.layers[0].readin.detach() @ rest, before @ rest)
