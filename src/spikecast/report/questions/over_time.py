"""Decoding bin by bin: from when a label can be decoded in each area."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.analysis.decoding.null_choice import FOLLOWS_STIMULUS
from spikecast.core.files import to_file_name
from spikecast.report.questions.null_choice import (
    TOO_LONG,
    describe_choices,
    describe_null,
    is_tested,
    phrase_null,
)
from spikecast.report.questions.phrases import name_columns, name_features
from spikecast.report.shared.formatting import format_ms, join_names
from spikecast.report.shared.section import Drawing, Section, Table, make_table
from spikecast.report.shared.style import AREAS, draw_interval, mark_event, new_figure, report_style
from spikecast.runs.reader import StoredAnswer
from spikecast.scoring.metric_table import METRICS

MOST_DIFFERENCES = 6  # rows of a table that is not folded away
MOST_IN_HEADLINE = 3  # differences


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per answer: the onset in each area, earliest first."""
    return [_headline(answer) for answer in answers]


def _headline(answer: StoredAnswer) -> str:
    label, source = answer["label"], answer["source"]
    if answer["acausal"]:
        return f"'{label}' from {source}: the features are acausal, so there is no onset."
    if not is_tested(answer):
        return f"'{label}' was not dated in {source}: {TOO_LONG}."
    onsets = answer.table("onsets").sort_values("onset")
    dated = onsets.dropna(subset=["onset"])
    shorter = _describe_short_stretches(answer, onsets)
    if dated.empty:
        return f"'{label}' was not dated in {source}{shorter}. The null: {phrase_null(answer)}."
    areas = [
        f"in {name_area(row['area'])} from {format_ms(row['onset'])} ms on ({_format_limits(row)})"
        for _, row in dated.iterrows()
    ]
    sentences = [f"'{label}' can be decoded from {source}: {', '.join(areas)}."]
    undated = [str(area) for area in onsets[onsets["onset"].isna()]["area"]]
    if undated:
        sentences.append(f"It was not dated in {', '.join(undated)}{shorter}.")
    differences = answer.table("differences").dropna(subset=["difference"])
    if len(differences) <= MOST_IN_HEADLINE:
        sentences += [
            f"{row['second']} minus {row['first']}: {format_ms(row['difference'])} ms "
            f"({format_ms(row['low'])} to {format_ms(row['high'])})."
            for _, row in differences.iterrows()
        ]
    if answer.has_notice(FOLLOWS_STIMULUS):
        sentences.append("Perhaps through the stimulus, which it goes along with: see below.")
    return " ".join([*sentences, f"The null: {phrase_null(answer)}."])


def _format_limits(row: pd.Series) -> str:
    end = "the end" if np.isinf(row["high"]) else format_ms(row["high"])
    return f"{format_ms(row['low'])} to {end}"


def name_area(area: object) -> str:
    """Return what a sentence calls an area, or all neurons together.

    Examples
    --------
    >>> name_area("VISp"), name_area("all")
    ('VISp', 'all neurons')
    """
    return "all neurons" if area == "all" else str(area)


def _describe_short_stretches(answer: StoredAnswer, onsets: pd.DataFrame) -> str:
    """Return why areas have no onset though bars are drawn: a stretch too short to be dated."""
    curves = answer.table("curves")
    undated = list(onsets[onsets["onset"].isna()]["area"])
    significant = curves[curves["area"].isin(undated) & curves["significant"]]
    if significant.empty:
        return ": no stretch above chance"
    named = join_names(significant["area"])
    return (
        f": the stretches above chance ({named}) are shorter than the "
        f"{1000 * answer['min_duration']:g} ms that an onset needs"
    )


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on onsets."""
    first = max(answers, key=is_tested)
    acausal = any(answer["acausal"] for answer in answers)
    methods = (
        "One linear decoder per bin, held out; a bin's features end with that bin, so nothing of "
        f"its future is in them{' (except where it says ACAUSAL)' if acausal else ''}. A stretch "
        "is significant where a cluster of bins above chance is larger than in 95 % of "
        f"{first['permutations']} draws of the labels ({describe_null(answers)}), corrected over "
        f"all bins of an area. The first of {1000 * first['min_duration']:g} ms or longer begins "
        "at the onset, whose 95 % interval comes from resampled trials."
    )
    tables = [_difference_table(answer) for answer in answers]
    return Section(
        "From when",
        sentences=[methods, *describe_choices(answers), *_describe_matching(answers)],
        tables=[table for table in tables if 0 < len(table.rows) <= MOST_DIFFERENCES],
        more_tables=[table for table in tables if len(table.rows) > MOST_DIFFERENCES],
        figures=[_figure(answer) for answer in answers],
    )


def _describe_matching(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence on areas that were decoded from equally many neurons."""
    found = {answer.facts.get("n_matched") for answer in answers}
    numbers = sorted(number for number in found if number is not None)
    if not numbers:
        return []
    return [
        f"Each area was decoded from {join_names(map(str, numbers))} neurons, as many as the "
        "smallest has, drawn at random several times; a larger population would be found to know "
        "sooner."
    ]


def _difference_table(answer: StoredAnswer) -> Table:
    known = answer.table("differences").dropna(subset=["difference"])
    rows = [
        {
            "first area": str(row["first"]),
            "second area": str(row["second"]),
            "second is later by (ms)": format_ms(row["difference"]),
            "95 % interval": f"{format_ms(row['low'])} to {format_ms(row['high'])}",
        }
        for _, row in known.iterrows()
    ]

    title = f"'{answer['label']}' from {answer['source']}: differences between onsets"
    return make_table(rows, 2, title)


def _figure(answer: StoredAnswer) -> Drawing:
    caption = (
        f"How well '{answer['label']}' is decoded in each bin (band: 95 % interval; bars below: "
        "significant stretches), and from when on."
    )
    strata = answer.facts.get("strata")
    if strata:
        caption += (
            f" The dashed line is what labels drawn among trials of equal "
            f"{name_columns(strata)} reach, so it rises with what these predict; above it, more "
            "can be decoded than they explain."
        )
    if answer["acausal"]:
        caption += " ACAUSAL: the features at a bin depend on later bins, so these are not onsets."
    unlike = (
        ""
        if answer.facts.get("n_matched")
        else (", larger populations earlier, so areas of unlike size do not compare fairly")
    )
    return Drawing(
        f"time-{to_file_name(answer['label'])}-{to_file_name(answer['features'])}",
        draw_over_time,
        answer,
        f"{caption} It does not show when an area first gets the information: weak or slowly "
        f"growing signals are found late{unlike}. An interval that leaves the frame may end after "
        "the last bin.",
        alt="Decoding bin by bin, significant stretches as bars below, onsets with intervals at "
        "right.",
    )


def draw_over_time(answer: StoredAnswer) -> Figure:
    """Draw a curve per area with its significant stretches, and the onsets beside them."""
    counts = answer["source"] == "counts"
    return draw_curves(
        answer.table("curves"),
        answer.table("onsets"),
        f"{answer['label']} from {'counts' if counts else name_features(answer)}",
        METRICS[answer["metric"]].label,
        answer["align_to"],
        acausal=answer["acausal"],
        of_areas=counts,
    )


@report_style
def draw_curves(
    curves: pd.DataFrame,
    onsets: pd.DataFrame,
    title: str,
    metric: str,
    event: str,
    *,
    acausal: bool,
    of_areas: bool = True,
) -> Figure:
    """Draw a curve per area from the tables of decoding over time, and the onsets beside them."""
    names = list(onsets["area"])
    figure = new_figure(2.9 + 0.1 * max(0, len(names) - 4))
    axes, onset_axes = figure.subplots(1, 2, width_ratios=[2.1, 1])
    span = curves["high"].max() - curves["low"].min()
    base = curves["low"].min() - 0.04 * span
    for place, name in enumerate(names):
        curve = curves[curves["area"] == name]
        color, time = AREAS[place % len(AREAS)], 1000 * curve["time"].to_numpy()
        axes.fill_between(time, curve["low"], curve["high"], color=color, alpha=0.15, linewidth=0)
        axes.plot(time, curve["score"], color=color, linewidth=1.4)
        height = base - 0.045 * span * place
        axes.broken_barh(
            _find_stretches(time, curve["significant"]), (height, 0.03 * span), color=color
        )
        _draw_onset(onset_axes, onsets.iloc[place], len(names) - 1 - place, color)
    time = 1000 * curves["time"].to_numpy()
    chance = curves.groupby("time")["chance"].mean().dropna()
    if len(chance):
        axes.plot(1000 * chance.index, chance, color="black", linewidth=0.8, linestyle="--")
        axes.text(time.max(), chance.iloc[-1], " chance", va="bottom", ha="right", fontsize=7)
    mark_event(axes, time)
    axes.set(
        xlabel=f"ms from {event}, centre of the {'bin' if acausal else 'last bin used'}",
        ylabel=metric,
        title=title + ("  (ACAUSAL FEATURES)" if acausal else ""),
    )
    sizes = onsets["n_neurons"].astype(int)
    labels = [f"{name} ({n})" for name, n in zip(names[::-1], sizes[::-1], strict=True)]
    onset_axes.set(
        yticks=range(len(names)),
        yticklabels=labels if of_areas else [""] * len(names),
        ylim=(-0.6, len(names) - 0.4),
        xlim=(time.min(), time.max()),
        xlabel="onset (ms)",
        title="acausal: not onsets" if acausal else "from when",
    )
    return figure


def _find_stretches(time: np.ndarray, significant: pd.Series) -> list[tuple[float, float]]:
    """Return start and length of each run of significant bins."""
    steps = np.diff(np.r_[0, significant.to_numpy(dtype=int), 0])
    width = time[1] - time[0]
    return [
        (time[start] - width / 2, (stop - start) * width)
        for start, stop in zip(np.flatnonzero(steps > 0), np.flatnonzero(steps < 0), strict=True)
    ]


def _draw_onset(axes: Axes, row: pd.Series, height: float, color: str) -> None:
    """Draw an onset and its interval, which leaves the axis where it may be after the last bin."""
    if np.isnan(row["onset"]):
        place = axes.get_yaxis_transform()
        axes.text(0.5, height, "none found", color=color, va="center", ha="center", transform=place)
        return
    onset, low, high = (1000 * row[name] for name in ("onset", "low", "high"))
    estimate = onset, low, min(high, 1e6)
    draw_interval(axes, estimate, height, color, linewidth=1.8, markersize=5.5)
    axes.annotate(
        f"{onset:.0f}", (onset, height), xytext=(0, 6), textcoords="offset points", ha="center",
        color=color,
    )  # fmt: skip
