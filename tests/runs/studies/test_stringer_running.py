"""Study D: its flaws by name, and that its error measures no prediction."""

import numpy as np
import pytest

from spikecast.core.errors import InputError
from spikecast.core.seeding import make_rng
from spikecast.data import simulate
from spikecast.models.linear import PCARidge
from spikecast.report.study import page as pages
from spikecast.runs import audit
from spikecast.runs.studies import stringer_running
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.run import read_facts
from spikecast.runs.studies.stringer_running import broadcast_mse

TINY = {
    "data": {"simulation": {"n_neurons": 60, "n_bins": 1200, "planes": 2}},
    "settings": {"n_components": 10, "epochs": 2},
    "sound": {"main": {
        "models": ["mean_rate", {"linear": {"model": "pca_ridge", "widths": [0.0]}},
                   {"mlp": {"epochs": 2}},
                   {"mlp_noise": {"model": "mlp", "epochs": 2, "noise": 1.0}},
                   {"timescales": {"n_members": 1, "epochs": 4}}],
        "evaluation": {"folds": 3, "bootstrap": 200}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(small):
    return small("stringer-running", TINY)


def test_the_deck_triggers_exactly_its_flaws_and_ours_none(folder):
    rules = {hazard.rule for hazard in audit.audit(folder / "described").hazards}
    assert rules == {flaw.rule for flaw in read_preset("stringer-running").flaws}
    assert audit.audit(folder / "sound" / "main").hazards == ()


def test_the_error_of_the_deck_is_a_sum_of_variances():
    rng = make_rng(0, "test")
    speed, prediction = rng.normal(3, 2, 500), rng.normal(2, 1, 500)
    expected = speed.var() + prediction.var() + (speed.mean() - prediction.mean()) ** 2
    assert broadcast_mse(prediction[:, np.newaxis], speed) == pytest.approx(expected)
    perfect = broadcast_mse(speed[:, np.newaxis], speed)
    assert perfect == pytest.approx(2 * speed.var())
    shuffled = rng.permutation(speed)
    assert broadcast_mse(shuffled[:, np.newaxis], speed) == pytest.approx(perfect)


def test_running_that_is_planted_is_found_by_the_sound_protocol_only(folder):
    rows = {row["key"]: row for row in read_facts(folder)["columns"]}
    assert rows["baseline"]["sound"][0]["value"] > 0.5
    assert rows["r2"]["described"][0]["value"] < 0.2
    assert "mlp_noise" in [measure["name"] for measure in rows["regularised"]["sound"]]
    page = pages.build(folder).read_text()
    for phrase in ("59.68", "0.798", "Predicted against actual speed", "shapes broadcast"):
        assert phrase in page


def test_more_time_helps_until_there_is_enough_of_it():
    recording = simulate.spontaneous(60, 4000, planes=2).recording
    found = stringer_running._learn_from_more_time(recording, PCARidge(widths=(0.0,)))
    np.testing.assert_allclose(found["minutes"], np.array([5, 8, 16, 31]) * 100 * 1.2 / 60)
    assert found["r2"][0] < found["r2"][-1]
    assert found["r2"][-1] > 0.5


def test_what_has_no_running_is_refused():
    with pytest.raises(InputError, match="one continuous recording with 'running'"):
        stringer_running.prepare(simulate.poisson_noise(10).recording, {})
