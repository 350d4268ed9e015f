"""Granger causality: whether the past of one area predicts another beyond that area's own past."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.core.files import to_file_name
from spikecast.report.questions.claims import (
    describe_control,
    describe_silence,
    describe_test,
    name_explained,
)
from spikecast.report.questions.memory_answer import AnyAnswer
from spikecast.report.shared.formatting import format_estimate, format_p
from spikecast.report.shared.section import Drawing, Section
from spikecast.report.shared.style import BLUE, GREY, ORANGE, new_figure, report_style, to_label
from spikecast.runs.reader import StoredAnswer
from spikecast.scoring.ratio_scores import holds_zero


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return sentences per pair of areas: which predicts the other, by how much, which leads."""
    return [sentence for answer in answers for sentence in _describe(answer)]


def _describe(answer: StoredAnswer) -> list[str]:
    silence = describe_silence(answer, "neither's past tells of the other more than")
    return [silence] if silence else [_describe_gains(answer), _describe_lead(answer)]


def _describe_lead(answer: StoredAnswer) -> str:
    source, target = answer["source"], answer["target"]
    value, low, high = answer["asymmetry"]
    reason = ", as the interval holds 0" if holds_zero(low, high) else ""
    lead = f"{answer['leader']} leads" if answer["leader"] else f"no lead was found{reason}"
    p = answer.facts.get("p_of_lead")
    test = "" if p is None else f", shift test p {format_p(p, answer['claim']['n_shifts'])}"
    return (
        f"{source} and {target}: {lead}. This is judged by the corrected asymmetry, {value:.4f} "
        f"bits/spike (95 % interval {low:.4f} to {high:.4f}{test}; above 0: {source} first): how "
        f"much more {source} → {target} gains than {target} → {source}, less the same with time "
        "reversed, halved. The gains alone do not say which leads. From "
        f"{answer['n_neurons']} neurons of each area and {answer['n_trials']} trials."
    )


def _describe_gains(answer: StoredAnswer) -> str:
    past = answer.table("past")
    gains = [
        f"{row['source']} → {row['target']} {format_estimate(row['gain'], row['low'], row['high'])}"
        + _describe_row(row, answer)
        for _, row in past[past["lag"] > 0].iterrows()
    ]
    return (
        f"What the past of one area adds to the other's own past and to {name_explained(answer)} "
        f"(bits/spike): {'; '.join(gains)}."
    )


def _describe_row(row: pd.Series, answer: StoredAnswer) -> str:
    """Return the shift test of one direction in brackets, and whether it stands by itself."""
    if answer["claim"]["p"] is None or np.isnan(row.get("p", np.nan)):
        test = f" {describe_test(answer)}"
    else:
        test = f" (shift test p {format_p(row['p'], answer['claim']['n_shifts'])})"
    if row["stands"]:
        return test
    reason = ", as its interval holds 0" if holds_zero(row["low"], row["high"]) else ""
    return f"{test}, which does not stand by itself{reason}"


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on leads between areas."""
    return Section(
        "Does one area lead another",
        sentences=[describe_control(answers), *headlines(answers)],
        figures=[_figure(answer) for answer in answers],
    )


def _figure(answer: StoredAnswer) -> Drawing:
    source, target = answer["source"], answer["target"]
    return Drawing(
        f"flow-{to_file_name(source)}-{to_file_name(target)}",
        draw_granger,
        answer,
        "Left: what one area's past adds to predicting the other beyond that area's own past and "
        f"{name_explained(answer)}; negative lags are the same with time reversed, and a lead is "
        "what is larger on the right than on the left. Middle: that asymmetry through the trial "
        "(below 0: "
        f"{target} leads). Right: overall, corrected by reversed time and as it is (biased). It "
        "does not show causation: a third area that reaches one of the two earlier looks the same.",
        alt="Gain over the target's own past by lag, both ways; the asymmetry over time and "
        "overall.",
    )


@report_style
def draw_granger(answer: AnyAnswer) -> Figure:
    """Draw the gain by lag in both directions, and the asymmetry over time and overall."""
    course = answer.table("over_time")
    figure = new_figure(2.9)
    by_lag, by_time, overall = figure.subplots(1, 3, width_ratios=[1.5, 1.3, 0.6])
    _draw_gains(by_lag, answer)
    for panel in (by_lag, by_time, overall):
        panel.axhline(0, color="black", linewidth=0.6)
    by_lag.axvline(0, color="black", linewidth=0.6, linestyle=":")
    by_lag.set(
        xlabel="lag (ms); below 0: time reversed",
        ylabel="gain (bits/spike)",
        title="Beyond the target's own past",
    )
    by_lag.margins(y=0.25)
    by_lag.legend(loc="upper left", handlelength=1.0)
    time = 1000 * course["time"]
    by_time.fill_between(time, course["low"], course["high"], color=GREY, alpha=0.25, linewidth=0)
    by_time.plot(time, course["asymmetry"], color="black", linewidth=1.2)
    by_time.set(
        xlabel=f"ms from {answer['align_to']}",
        ylabel="bits/spike",
        title=f"Lead of {answer['source']}",
    )
    for place, key, color in ((0, "asymmetry", "black"), (1, "plain", GREY)):
        value, low, high = answer[key]
        overall.plot([place, place], [low, high], color=color, linewidth=1.8)
        overall.plot(place, value, "o", color=color, markersize=5)
    overall.set(
        xticks=[0, 1], xticklabels=["cor-\nrected", "as\nit is"], xlim=(-0.6, 1.6), title="Overall"
    )
    return figure


def _draw_gains(axes: Axes, answer: AnyAnswer) -> None:
    lags = answer.table("lags")
    pair = answer["source"], answer["target"]
    for (source, target), color in ((pair, BLUE), (pair[::-1], ORANGE)):
        rows = lags[(lags["source"] == source) & (lags["target"] == target)].sort_values("lag")
        for side in (rows[rows["lag"] < 0], rows[rows["lag"] > 0]):
            time = 1000 * side["lag_seconds"]
            axes.fill_between(time, side["low"], side["high"], color=color, alpha=0.15, lw=0)
            label = to_label(f"{source} → {target}") if side["lag"].iloc[0] > 0 else None
            axes.plot(time, side["gain"], "o-", color=color, markersize=3, lw=1.2, label=label)
