import numpy as np
import pytest
import torch

from spikecast.core.errors import InputError
from spikecast.data.simulate.lorenz import lorenz
from spikecast.models import storage
from spikecast.models.lfads import LFADS
from spikecast.scoring.metrics import bits_per_spike, null_rate
from spikecast.tasks.tasks import AreaToArea

SMALL = {"n_generator": 16, "n_encoder": 12, "n_controller": 8, "n_inputs": 2, "n_factors": 6,
         "n_initial": 5, "n_members": 1, "epochs": 2, "min_steps": 4}  # fmt: skip


@pytest.fixture(scope="module")
def counts():
    return np.random.default_rng(0).poisson(0.4, (14, 12, 7))


@pytest.mark.parametrize(("n_inputs", "n_members"), [(0, 1), (2, 1), (2, 2)])
def test_outputs_by_name_and_on_disk(counts, n_inputs, n_members, tmp_path):
    sizes = {"n_inputs": n_inputs, "n_members": n_members}
    model = LFADS(**SMALL | sizes).fit(counts, counts[..., :3])
    outputs = model.outputs(counts[:5])
    assert {name: array.shape for name, array in outputs.items()} == {
        "rates": (5, 12, 3),
        "factors": (5, 12, 6 * n_members),
        "initial_condition": (5, 5 * n_members),
        "inferred_inputs": (5, 12, n_inputs * n_members),
    }
    storage.save(model, tmp_path / "model")
    again = storage.load(tmp_path / "model").outputs(counts[:5])
    for name, array in outputs.items():
        np.testing.assert_array_equal(again[name], array)


def test_members_are_averaged_in_log_rate_and_each_keeps_its_best_weights(counts):
    model = LFADS(**SMALL | {"n_members": 2, "epochs": 6, "learning_rate": 0.1})
    model.fit(counts, counts)
    z = torch.from_numpy(counts.astype(np.float32))[None]
    networks = [model.network_[member] for member in range(2)]
    assert not torch.equal(networks[0].readout_weight, networks[1].readout_weight)
    with torch.no_grad():
        log_rate = torch.cat([network(z) for network in networks]).mean(dim=0)
    np.testing.assert_allclose(model.predict(counts), log_rate.exp(), rtol=1e-4)
    # the loss on its own validation trials is the least that there was
    losses = np.array(model.training_["valid_loss"])  # (epoch, member)
    rows = [torch.from_numpy(fold.test) for fold in model._make_member_folds(len(counts))]
    with torch.no_grad():
        own = [float(n.loss(z[:, r], z[:, r]).mean()) for n, r in zip(networks, rows, strict=True)]
    np.testing.assert_allclose(own, losses.min(axis=0), rtol=1e-4)


def test_all_outputs_read_the_source_in_the_same_unit(counts):
    """A continuous source is standardised before it is encoded, whatever is inferred of it."""
    plain = counts + 0.3
    models = [LFADS(**SMALL).fit(scale * plain, counts[..., :3]) for scale in (1.0, 128.0)]
    small, large = (m.outputs(s * plain[:5]) for m, s in zip(models, (1.0, 128.0), strict=True))
    for name, array in small.items():
        np.testing.assert_allclose(large[name], array, rtol=1e-3, atol=1e-3)


def test_the_same_activity_is_autoencoded_and_other_targets_are_never_encoded(counts):
    assert LFADS(**SMALL).fit(counts, counts.copy()).autoencodes_
    apart = LFADS(**SMALL).fit(counts, counts[..., ::-1])
    assert not apart.autoencodes_
    assert apart.network_.offset.numel() == 14  # reconstructed, then predicted


@pytest.mark.parametrize("shape", [(1, 6, 3), (5, 1, 3), (5, 6, 1)])
@pytest.mark.parametrize("silent", [False, True])
def test_hard_cases_are_autoencoded_without_nan(shape, silent):
    counts = np.random.default_rng(1).poisson(0.0 if silent else 0.5, shape)
    model = LFADS(**SMALL, batch_size=64).fit(counts, counts)
    assert all(np.isfinite(array).all() for array in model.outputs(counts).values())
    assert model.predict(counts).shape == shape


def test_without_hiding_anything_there_is_nothing_to_judge_by(counts):
    with pytest.raises(InputError, match="coordinated_dropout is 0; it must be between"):
        LFADS(**SMALL, coordinated_dropout=0).fit(counts, counts)


def test_what_is_scored_was_not_seen(counts):
    """An element's loss must not move its own input: the gradient to seen elements only."""
    model = LFADS(**SMALL).fit(counts, counts)
    network = model.network_.train()
    x = torch.from_numpy(counts.astype(np.float32))
    hidden = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < 0.3
    changed = torch.where(hidden, 5.0, x)
    torch.testing.assert_close(
        network._hide_elements(x, hidden), network._hide_elements(changed, hidden)
    )
    output = torch.zeros_like(x)
    changed = torch.where(hidden, x, 5.0)
    loss = network._compute_reconstruction_loss(x, output, hidden)
    torch.testing.assert_close(loss, network._compute_reconstruction_loss(changed, output, hidden))


def test_training_starts_with_more_signal_than_noise(counts):
    """At the prior's variance the generator would be driven by noise alone."""
    model = LFADS(**SMALL | {"dropout": 0.0}).fit(counts, counts)
    torch.manual_seed(0)
    network = model._start_network().train()
    x = torch.from_numpy(counts.astype(np.float32))
    with torch.no_grad():
        inputs = torch.stack([network.run(x)[0].inputs for _ in range(50)])
    signal, noise = inputs.mean(dim=0).std(dim=(0, 1)), inputs.std(dim=0).mean(dim=(0, 1))
    assert (noise < 0.25).all()  # 1 at the prior's variance
    assert (signal > 0.1 * noise).all()


@pytest.mark.slow
def test_areas_predict_each_other(simulated):
    problem = AreaToArea("MOs").problem(simulated.recording)
    x, y = problem.x, problem.y
    model = LFADS(n_inputs=4, n_members=1, epochs=1, min_steps=130).fit(x[:45], y[:45])
    score = bits_per_spike(y[45:], model.predict(x[45:]), null_rate(y[:45], y[45:]))
    assert score > 0.05  # poisson_glm reaches 0.10, the planted rates themselves 0.25


def test_divergences_warm_up(counts):
    model = LFADS(**SMALL).fit(counts, counts)
    network = model.network_
    warmth = []
    for fraction in (0.0, 0.15, 0.3, 0.9):
        network.set_progress(fraction)
        warmth.append(network.warmth)
    assert warmth == pytest.approx([0, 0.5, 1, 1])


# ------------------------------------------------------------------------- Lorenz: minutes


@pytest.mark.slow
def test_few_spikes_are_enough_to_begin_to_learn():
    """1.8 Hz, 160 trials: with posteriors as wide as their priors at the start, R2 was 0.29."""
    found = lorenz(360, n_conditions=50, n_bins=50, mean_rate=1.8, seed=101)
    order = np.random.default_rng(0).permutation(360)
    counts, rate = found.recording.activity[order], found.truth.rate[order]
    sizes = {"n_encoder": 32, "n_generator": 32, "n_controller": 16, "n_initial": 16}
    model = LFADS(**sizes, n_factors=10, n_components=20, n_members=1, dropout=0.05,
                  weight_decay=0.01, batch_size=32, epochs=100)  # fmt: skip
    model.fit(counts[:160], counts[:160])
    assert r2(rate[160:], model.predict(counts[160:])).mean() > 0.5


def r2(truth, prediction):
    """Of each column, over trials and bins."""
    error = ((truth - prediction) ** 2).mean(axis=(0, 1))
    return 1 - error / truth.var(axis=(0, 1))


LORENZ = {"width": 0, "dropout": 0, "weight_decay": 0.01, "coordinated_dropout": 0.2,
          "n_factors": 20, "n_members": 1, "min_steps": 1, "batch_size": 32,
          "n_inputs": 2, "kl_weight": 0.5, "epochs": 130}  # fmt: skip


@pytest.mark.slow
def test_a_lorenz_population_is_recovered():
    """Held-out trials: new trials of the same 50 conditions."""
    found = lorenz(650, n_conditions=50)
    counts, rate, latents = (
        found.recording.activity, found.truth.rate, found.truth.latents.values
    )  # fmt: skip
    train, test = slice(0, 550), slice(550, None)
    model = LFADS(**LORENZ).fit(counts[train], counts[train])
    assert r2(rate[test], model.predict(counts[test])).mean() >= 0.93
    design = [np.insert(model.transform(counts[part]), 0, 1.0, axis=2) for part in (train, test)]
    weights = np.linalg.lstsq(
        design[0].reshape(-1, 21), latents[train].reshape(-1, 3), rcond=None
    )[0]  # fmt: skip
    assert r2(latents[test], design[1] @ weights).min() >= 0.9


@pytest.mark.slow
def test_inferred_inputs_localise_a_pulse():
    found = lorenz(650, n_conditions=50, pulse=3.0)
    counts, when = found.recording.activity, found.truth.latents["pulse_bin"].values
    model = LFADS(**LORENZ).fit(counts[:550], counts[:550])
    inputs = model.outputs(counts[550:])["inferred_inputs"]
    size = np.linalg.norm(inputs - np.median(inputs, axis=0), axis=2)  # (trial, time)
    off = np.abs(size.argmax(axis=1) - when[550:])
    assert np.mean(off <= 3) > 0.9
    # the null: another trial's pulse is found no more often than chance
    shuffled = np.abs(size.argmax(axis=1) - np.roll(when[550:], 1))
    assert np.mean(shuffled <= 3) < 0.4
