"""Headlines say what the facts of an answer are; nothing else is read to make them."""

import numpy as np
import pandas as pd
import pytest

from spikecast.analysis.decoding.null_choice import FOLLOWS_STIMULUS, LABELS_COME_IN_RUNS
from spikecast.report.questions import catalog, decode, over_time
from spikecast.runs.layout import RunLayout
from spikecast.runs.reader import StoredAnswer


def answer_of(tmp_path, name, tables=None, notices=(), **facts):
    """Return an answer as a run directory holds it."""
    layout, tables = RunLayout(tmp_path), tables or {}
    for table, content in tables.items():
        path = layout.answer_table(name, table)
        path.parent.mkdir(exist_ok=True)
        content.to_csv(path, index=False)
    kept = list(notices)
    return StoredAnswer(layout, name, {"tables": list(tables), "notices": kept, **facts})


def decoded(tmp_path, source, score, p=0.01, area=None, notices=()):
    return answer_of(
        tmp_path, f"{source}-{area}", notices=notices, kind="decode", label="choice",
        metric="balanced_accuracy", source=source, features="wheel", area=area, score=score,
        low=score - 0.1, high=score + 0.1, chance=0.5, p=p, permutations=200,
    )  # fmt: skip


def test_the_best_source_comes_first_and_all_are_listed(tmp_path):
    answers = [
        decoded(tmp_path, "counts", 0.61, area="CA1"),
        decoded(tmp_path, "counts", 0.83, area="MOs"),
        decoded(tmp_path, "behavior", 0.79),
    ]
    headline = " ".join(decode.headlines(answers))
    places = [headline.index(f"{score:.2f} (") for score in (0.83, 0.61, 0.79)]
    assert places == sorted(places)
    for word in ("choice", "MOs", "CA1", "wheel", "0.50"):
        assert word in headline
    # within the interval of the best: the neurons need not carry more
    without = " ".join(decode.headlines([answers[1], decoded(tmp_path, "behavior", 0.6)]))
    assert len(without) < len(" ".join(decode.headlines(answers[1:])))


def test_what_is_not_above_chance_is_not_called_decoded(tmp_path):
    low, high = (decode.headlines([decoded(tmp_path, "counts", 0.7, p)]) for p in (0.2, 0.01))
    assert "not decoded above chance" in low[0]
    assert "not decoded above chance" not in high[0]


def test_a_notice_adds_a_doubt(tmp_path):
    plain = decoded(tmp_path, "counts", 0.7)
    doubtful = decoded(tmp_path, "counts", 0.7, notices=[LABELS_COME_IN_RUNS(label="choice")])
    assert doubtful.has_notice(LABELS_COME_IN_RUNS)
    assert not plain.has_notice(LABELS_COME_IN_RUNS)
    assert len(decode.headlines([doubtful])[0]) > len(decode.headlines([plain])[0])


def test_the_first_paragraph_is_one_claim(tmp_path):
    answers = [decoded(tmp_path, "counts", 0.83), decoded(tmp_path, "behavior", 0.79)]
    first, more = decode.headlines(answers)
    assert first.count(". ") == 0
    assert "wheel" not in first
    assert "The null: shuffled labels." in more


def dated(tmp_path, onsets, acausal=False, notices=(), short=()):
    table = pd.DataFrame(onsets, columns=["area", "onset", "low", "high"])
    known = table.dropna()
    differences = pd.DataFrame(
        [
            [first, second, 0.03, 0.01, np.inf]
            for first, second in zip(known["area"], known["area"][1:])
        ],
        columns=["first", "second", "difference", "low", "high"],
    )
    curves = pd.DataFrame({"area": list(table["area"]), "significant": table["area"].isin(short)})
    tables = {"onsets": table, "differences": differences, "curves": curves}
    return answer_of(
        tmp_path, "time", tables, notices, kind="over_time", label="choice", source="counts",
        acausal=acausal, min_duration=0.03,
    )  # fmt: skip


def test_onsets_are_given_earliest_first_with_their_difference(tmp_path):
    onsets = [
        ["MOs", 0.11, 0.08, np.inf],
        ["VISp", 0.05, 0.04, 0.07],
        ["CA1", np.nan, np.nan, np.nan],
    ]
    (headline,) = over_time.headlines([dated(tmp_path, onsets)])
    first = headline.index("in VISp from 50 ms on (40 to 70)")
    assert first < headline.index("in MOs from 110 ms on (80 to the end)")
    assert "not dated in CA1: no stretch above chance" in headline
    assert "30 ms (10 to unbounded)" in headline
    doubted = dated(
        tmp_path, onsets, notices=[FOLLOWS_STIMULUS(label="choice", columns="contrast")]
    )
    assert "stimulus" in over_time.headlines([doubted])[0]
    assert "stimulus" not in headline


def test_a_stretch_too_short_to_be_dated_is_not_called_nothing(tmp_path):
    none = [[area, np.nan, np.nan, np.nan] for area in ("CA1", "MOs")]
    (headline,) = over_time.headlines([dated(tmp_path, none, short=["CA1"])])
    assert "stretches above chance (CA1) are shorter than the 30 ms" in headline
    assert "no onset" not in headline
    (headline,) = over_time.headlines([dated(tmp_path, none)])
    assert "not dated in counts: no stretch above chance." in headline


def test_acausal_features_have_no_onset(tmp_path):
    (headline,) = over_time.headlines([dated(tmp_path, [["MOs", 0.1, 0.0, 0.2]], acausal=True)])
    assert "100" not in headline


def test_only_the_kinds_asked_for_are_said(tmp_path):
    answers = [decoded(tmp_path, "counts", 0.7), dated(tmp_path, [["MOs", 0.1, 0.0, 0.2]])]
    assert len(catalog.make_headlines(answers)) == 3
    assert catalog.make_headlines(answers, ["over_time"]) == over_time.headlines(answers[1:])


@pytest.mark.parametrize("kind", list(catalog.QUESTIONS))
def test_every_kind_has_a_section_and_headlines(kind):
    module = catalog.QUESTIONS[kind]
    assert callable(module.section)
    assert callable(module.headlines)
