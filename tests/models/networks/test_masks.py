from functools import partial

import pytest
import torch

from spikecast.models.networks import masks

SHAPE = (2, 50, 12, 10)
LABELS = torch.tensor([0] * 4 + [1] * 3 + [2] * 3)


def hidden(scheme):
    rand = partial(torch.rand, generator=torch.Generator().manual_seed(0))
    return scheme(SHAPE, rand).expand(SHAPE)


def test_a_fixed_choice_of_neurons_is_always_hidden():
    chosen = LABELS == 1
    assert torch.equal(hidden(masks.Always(chosen)), chosen.expand(SHAPE))


def test_entries_are_hidden_on_their_own():
    part = hidden(masks.Entries(0.25)).float()
    assert part.mean().item() == pytest.approx(0.25, abs=0.02)
    assert part.mean(dim=2).std() > 0.05  # neither whole neurons nor whole trials


def test_random_neurons_are_hidden_for_whole_trials():
    found = hidden(masks.SomeNeurons(0.6))
    assert torch.equal(found, found[:, :, :1].expand(SHAPE))
    assert found.float().mean().item() == pytest.approx(0.3, abs=0.05)


def test_one_whole_group_is_hidden_per_trial_each_as_often():
    found = hidden(masks.OneGroup(LABELS))[:, :, 0]  # (member, trial, neuron)
    drawn = torch.stack([found[..., group == LABELS].all(dim=-1) for group in range(3)])
    assert torch.equal(drawn.sum(dim=0), torch.ones(SHAPE[:2], dtype=torch.long))
    assert torch.equal(found.sum(dim=-1), 3 + drawn[0].long())
    assert drawn.float().mean(dim=(1, 2)).min() > 0.2


def test_the_future_is_hidden_from_some_bin_to_the_end():
    found = hidden(masks.Future())[..., 0].float()  # (member, trial, time)
    assert (found.diff(dim=-1) >= 0).all()
    assert (found[..., -1] == 1).float().mean() > 0.8


def test_a_span_is_one_run_of_bins_anywhere():
    found = hidden(masks.Span())[..., 0].float()
    assert (found.diff(dim=-1).abs().sum(dim=-1) <= 2).all()
    often = found.mean(dim=(0, 1))
    assert (often > 0.05).all()
    assert found.sum(dim=-1).max() <= SHAPE[2] // 2 + 1


def test_what_any_scheme_hides_is_hidden_together():
    found = hidden(masks.Both(masks.Always(LABELS == 0), masks.Always(LABELS == 2)))
    assert torch.equal(found, (LABELS != 1).expand(SHAPE))


def test_a_mixture_draws_its_schemes_as_often_as_told():
    scheme = masks.Mixture(
        masks.Always(LABELS == 0), [masks.Always(LABELS == 1), masks.Always(LABELS == 2)], 0.6
    )
    rand = partial(torch.rand, generator=torch.Generator().manual_seed(0))
    drawn = [scheme(SHAPE, rand)[0, 0, 0] for _ in range(1000)]
    share = [sum(bool(d[group == LABELS].all()) for d in drawn) / 1000 for group in range(3)]
    assert share == pytest.approx([0.6, 0.2, 0.2], abs=0.05)
