import torch

from spikecast.models.networks.transformer import rotate


def test_rotary_positions_tell_distances_only():
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 8, generator=generator)
    score = rotate(query.expand(30, 8)) @ rotate(key.expand(30, 8)).T  # (time, time)
    for lag in (-7, 0, 3):
        along = score.diagonal(lag)
        torch.testing.assert_close(along, along[:1].expand(len(along)), atol=1e-4, rtol=1e-4)
    assert score[0].std() > 0.1
