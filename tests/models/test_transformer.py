"""One fitted transformer answers several questions, each better than a null."""

import numpy as np
import pytest

from spikecast.core.errors import InputError, ShapeError
from spikecast.models import storage
from spikecast.models.transformer import Transformer
from spikecast.scoring.metrics import bits_per_spike, null_rate


def planted(n_trials=60, n_bins=30, seed=0):
    """Three areas of 8 neurons that share two slow latents; the last area is the target."""
    rng = np.random.default_rng(seed)
    latents = np.zeros((n_trials, n_bins, 2))
    steps = rng.normal(size=latents.shape)
    latents[:, 0] = steps[:, 0]
    for t in range(1, n_bins):
        latents[:, t] = 0.95 * latents[:, t - 1] + 0.31 * steps[:, t]
    rate = 0.5 * np.exp(0.7 * latents @ rng.normal(size=(2, 24)))
    return rng.poisson(rate).astype(np.uint8), rate


AREAS = ["MOs"] * 8 + ["MD"] * 8  # of the sources


@pytest.fixture(scope="module")
def counts():
    return planted()[0]


@pytest.fixture(scope="module")
def fitted(counts):
    model = Transformer(n_latents=32, n_members=1, hide_areas=True)
    return model.fit(counts[:45, :, :16], counts[:45, :, 16:], AREAS)


def questions(shape):
    """What is observed in each question."""
    everything = np.ones(shape, dtype=bool)
    target, other, some, past = (everything.copy() for _ in range(4))
    target[..., 16:] = False
    other[..., :8] = False  # an area that was a source in fit
    some[..., ::4] = False
    past[:, 24:] = False
    return {"target": target, "other area": other, "co-smoothing": some, "forecast": past}


@pytest.mark.parametrize("question", ["target", "other area", "co-smoothing", "forecast"])
def test_one_fit_answers_every_question_better_than_the_mean(fitted, counts, question):
    test = counts[45:]
    observed = questions(test.shape)[question]
    rate = fitted.predict_masked(test, observed)
    hidden = ~observed
    null = null_rate(counts[:45], test)
    score = bits_per_spike(test[hidden], rate[hidden], null[hidden])
    assert score > (0.05 if question == "forecast" else 0.15)


def test_predict_is_the_question_with_the_targets_hidden(fitted, counts):
    test = counts[45:]
    observed = questions(test.shape)["target"]
    np.testing.assert_allclose(
        fitted.predict_masked(test, observed)[..., 16:], fitted.predict(test[..., :16]), rtol=1e-5
    )


def test_what_is_hidden_has_no_influence_and_may_be_missing(fitted, counts):
    test = counts[45:].astype(float)
    for observed in questions(test.shape).values():
        expected = fitted.predict_masked(test, observed)
        np.testing.assert_array_equal(
            fitted.predict_masked(np.where(observed, test, np.nan), observed), expected
        )


def test_with_nothing_observed_it_answers_with_finite_rates(fitted, counts):
    rate = fitted.predict_masked(counts[45:], np.zeros(counts[45:].shape, dtype=bool))
    assert np.isfinite(rate).all()
    assert (rate[0] == rate[1]).all()  # nothing tells trials apart


def test_noise_gives_nothing_in_any_question():
    noise = np.random.default_rng(1).poisson(0.3, (60, 30, 24))
    model = Transformer(n_latents=32, n_members=1).fit(noise[:45, :, :16], noise[:45, :, 16:])
    test, null = noise[45:], null_rate(noise[:45], noise[45:])
    for question, observed in questions(test.shape).items():
        rate, hidden = model.predict_masked(test, observed), ~observed
        score = bits_per_spike(test[hidden], rate[hidden], null[hidden])
        assert -0.1 < score < 0.01, question


def test_a_causal_forecaster_never_sees_the_future_in_any_question(counts):
    model = Transformer(n_latents=16, n_members=1, epochs=1, causal=True)
    model.fit(counts[:12, :, :16], counts[:12, :, 16:])
    observed = np.random.default_rng(0).random(counts[:4].shape) < 0.7
    changed = counts[:4].copy()
    changed[:, 20:] = 9
    before, after = (model.predict_masked(c, observed) for c in (counts[:4], changed))
    np.testing.assert_array_equal(before[:, :20], after[:, :20])
    assert not np.allclose(before[:, 20:], after[:, 20:])


def test_with_the_same_neurons_on_both_sides_it_denoises(counts):
    counts, rate = planted(seed=2)
    model = Transformer(n_latents=32, n_members=1).fit(counts[:45], counts[:45])
    found = model.predict(counts[45:])
    assert found.shape == counts[45:].shape
    assert np.corrcoef(np.log(found).ravel(), np.log(rate[45:]).ravel())[0, 1] > 0.75


def test_areas_are_saved_with_the_model(fitted, counts, tmp_path):
    storage.save(fitted, tmp_path / "model")
    again = storage.load(tmp_path / "model")
    assert again.areas_.tolist() == [1] * 8 + [0] * 8
    observed = questions(counts.shape)["forecast"]
    np.testing.assert_array_equal(
        again.predict_masked(counts, observed), fitted.predict_masked(counts, observed)
    )


def test_wrong_arguments_are_refused(fitted, counts):
    test = counts[45:]
    everything = np.ones(test.shape, dtype=bool)
    with pytest.raises(InputError, match="must be boolean"):
        fitted.predict_masked(test, everything.astype(int))
    with pytest.raises(ShapeError, match="they must be equal"):
        fitted.predict_masked(test, everything[..., :1])
    with pytest.raises(ShapeError, match="fitted on 24"):
        fitted.predict_masked(test[..., :16], everything[..., :16])
    with pytest.raises(InputError, match="observed part of activity holds"):
        fitted.predict_masked(np.full(test.shape, np.nan), everything)
    with pytest.raises(ShapeError, match="areas has length 16 but the source axis of x has 12"):
        Transformer(hide_areas=True).fit(test[..., :12], test[..., 16:20], AREAS)
    with pytest.raises(InputError, match="multiple of twice n_heads, 8"):
        Transformer(n_latents=20).fit(test[..., :16], test[..., 16:])
    with pytest.raises(InputError, match="source has to hold counts"):
        Transformer().fit(test[..., :16] - 0.5, test[..., 16:])
