import pytest
import torch

from spikecast.models.networks.timescales import TimescalesNet, run_decay, run_decay_both_ways


def one_bin_at_a_time(drive, log_decay):
    z = torch.zeros_like(drive)
    state = torch.zeros(drive.shape[:2], dtype=drive.dtype)
    for t in range(drive.shape[2]):
        state = torch.exp(log_decay)[:, None] * state + drive[..., t]
        z[..., t] = state
    return z


@pytest.mark.parametrize("n_bins", [1, 2, 7, 8, 40, 250, 1001])
def test_the_recurrence_equals_the_loop(n_bins):
    generator = torch.Generator().manual_seed(0)
    drive = torch.randn(5, 3, n_bins, generator=generator)
    log_decay = -torch.exp(torch.linspace(-6, 3, 5))
    expected = one_bin_at_a_time(drive.double(), log_decay.double())
    torch.testing.assert_close(run_decay(drive, log_decay).double(), expected, atol=2e-4, rtol=1e-4)


def test_its_gradient_is_right():
    generator = torch.Generator().manual_seed(1)
    drive = torch.randn(2, 3, 19, generator=generator, dtype=torch.double, requires_grad=True)
    log_decay = torch.tensor([-0.3, -2.0], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(run_decay, (drive, log_decay))
    past, future = torch.rand(2, 2, 19, generator=generator, dtype=torch.double)
    weights = past.requires_grad_(), future.requires_grad_()
    assert torch.autograd.gradcheck(run_decay_both_ways, (drive, log_decay, *weights))


def test_both_ways_is_the_sum_of_one_way_and_the_other():
    generator = torch.Generator().manual_seed(2)
    drive = torch.randn(5, 3, 40, generator=generator)
    log_decay = -torch.exp(torch.linspace(-4, 2, 5))
    past, future = torch.rand(2, 5, 40, generator=generator)
    before, after = run_decay(drive, log_decay), run_decay(drive.flip(-1), log_decay).flip(-1)
    torch.testing.assert_close(
        run_decay_both_ways(drive, log_decay, past, future),
        past[:, None] * before + future[:, None] * after,
    )


def network(n_members=2, **settings):
    torch.manual_seed(0)
    return TimescalesNet("counts", 6, 8, 4, n_members, **settings).eval()


def test_a_constant_input_passes_the_filters_unchanged_up_to_the_edges():
    net = network()
    x = torch.ones(2, 1, 30, 6)
    latents = net.latents(x)
    expected = (net.layers[0].readin.sum(dim=2))[:, None, None, :].expand_as(latents)
    torch.testing.assert_close(latents, expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_causal_latents_never_see_the_future_bit_for_bit():
    x = torch.randn(2, 3, 40, 6, generator=torch.Generator().manual_seed(2))
    changed = x.clone()
    changed[:, :, 25:] = 7.0
    for n_layers in (1, 3):
        net = network(causal=True, n_layers=n_layers)
        assert torch.equal(net.latents(x)[:, :, :25], net.latents(changed)[:, :, :25])
        assert not torch.equal(net.latents(x)[:, :, 25:], net.latents(changed)[:, :, 25:])
    both_ways = network()
    assert not torch.allclose(
        both_ways.latents(x)[:, :, :25], both_ways.latents(changed)[:, :, :25]
    )


@torch.no_grad()
def test_latents_of_the_future_never_see_the_past_bit_for_bit():
    x = torch.randn(2, 3, 40, 6, generator=torch.Generator().manual_seed(2))
    changed = x.clone()
    changed[:, :, :15] = 7.0
    net = network(future_only=True, n_layers=2)
    assert torch.equal(net.latents(x)[:, :, 15:], net.latents(changed)[:, :, 15:])
    assert not torch.equal(net.latents(x)[:, :, :15], net.latents(changed)[:, :, :15])


@torch.no_grad()
def test_latents_of_the_future_are_those_of_the_past_of_reversed_time():
    x = torch.randn(2, 3, 40, 6, generator=torch.Generator().manual_seed(2))
    of_future, of_past = network(future_only=True), network(causal=True)
    of_future.load_state_dict(of_past.state_dict())
    expected = of_past.latents(x.flip(2)).flip(2)
    torch.testing.assert_close(of_future.latents(x), expected)


@torch.no_grad()
def test_members_are_independent():
    net = network()
    x = torch.randn(2, 3, 20, 6, generator=torch.Generator().manual_seed(3))
    before = net(x)
    net.layers[0].readin[1] += 1.0
    net.readout[1] *= 2.0
    after = net(x)
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])


def test_a_time_constant_set_by_hand_gives_its_exponential():
    net = network(causal=True, n_members=1)
    with torch.no_grad():
        net.layers[0].readin.zero_()
        net.layers[0].readin[0, 0, 0] = 1.0
        net.layers[0].log_time_constant[0, 0] = torch.tensor(5.0).log()
        pulse = torch.zeros(1, 1, 400, 6)
        pulse[0, 0, 100, 0] = 1.0
        response = net.latents(pulse)[0, 0, :, 0]
    ratio = response[101:120] / response[100:119]
    torch.testing.assert_close(ratio, torch.full_like(ratio, torch.tensor(-0.2).exp().item()))


def test_a_second_layer_filters_what_the_first_one_found():
    net = network(n_members=1, n_layers=2)
    x = torch.randn(1, 2, 30, 6, generator=torch.Generator().manual_seed(3))
    first, second = net.latents(x).chunk(2, dim=-1)
    assert net.time_constants.shape == (1, first.shape[-1] + second.shape[-1])
    net.layers[1].readin.data.zero_()
    alone, silent = net.latents(x).chunk(2, dim=-1)
    assert torch.equal(alone, first)
    assert not silent.any()
    assert second.abs().max() > 0.01
    net(x).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
