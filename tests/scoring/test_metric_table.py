"""The table of metrics is all that has to be written to add one."""

import numpy as np
import pytest

from spikecast import AreaToArea, cross_validate
from spikecast.report.run.page import build
from spikecast.runs import config, experiment
from spikecast.scoring.metric_table import HEADLINE, METRICS, Metric, find_headline


def mean_absolute_error(held_out):
    return float(np.abs(held_out.truth - held_out.prediction).mean())


@pytest.fixture
def new_metric(monkeypatch):
    metric = Metric(
        "mae", "counts", "absolute error in counts", "Mean absolute error, in spikes per bin.",
        null="", higher_is_better=False, in_page=True, value=mean_absolute_error,
    )  # fmt: skip
    monkeypatch.setitem(METRICS, "mae", metric)


def test_every_metric_says_what_pages_need():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert all([metric.label, metric.help, metric.unit, metric.phrase, metric.axis])
        assert not (metric.ratios and metric.value)
        assert metric.kind in HEADLINE
    assert find_headline(["low", "bits_per_spike"]) is HEADLINE["counts"]


@pytest.mark.usefixtures("quick_pages")
def test_one_entry_puts_a_metric_into_the_score_table_and_the_page(new_metric, recording, tmp_path):
    scores = cross_validate(["mean_rate"], AreaToArea("MOs"), recording, 3, shifts=0)
    (row,) = scores.table.query(
        "metric == 'mae' and fold == 'all' and model == 'mean_rate'"
    ).to_dict("records")
    assert (row["null"], row["aggregate"]) == ("", "pooled")
    assert row["value"] > 0

    recording.save(tmp_path / "task.nc")
    asked = config.parse_config({
        "data": {"path": str(tmp_path / "task.nc")}, "task": {"target": "MOs"},
        "models": ["mean_rate"], "evaluation": {"folds": 3, "bootstrap": 100, "shifts": 0},
    })  # fmt: skip
    run = experiment.run(asked, tmp_path / "run", workers=1)
    page = build(run).read_text(encoding="utf-8")
    assert "<th>absolute<br>error<br>in<br>counts</th>" in page
    assert f"<td>{row['value']:.3f}</td>" in page
    help_of_column = "Mean absolute error, in spikes per bin. Lower is better."
    assert f"Absolute error in counts: {help_of_column}" in page
