"""Trajectories: paths of the conditions through a few dimensions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.core.files import to_file_name
from spikecast.report.questions import trajectories_3d
from spikecast.report.questions.phrases import describe_left_out
from spikecast.report.shared.section import Drawing, Section, Turnable
from spikecast.report.shared.style import AREAS, draw_top_legend, new_figure, report_style, to_label
from spikecast.runs.reader import StoredAnswer

NEEDS_PLOTLY = (
    "The figure in three dimensions that can be turned needs plotly: "
    "pip install 'spikecast[interactive]', then draw the report again."
)


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per label: how much variance the dimensions hold, and the conditions."""
    return [_headline(answer) for answer in answers]


def _headline(answer: StoredAnswer) -> str:
    sizes = answer.table("means").groupby("condition", sort=False)["n_trials"].first()
    conditions = ", ".join(f"{name} ({size} trials)" for name, size in sizes.items())
    return (
        f"Paths by '{answer['label']}' of {_describe_activity(answer)}: "
        f"{len(answer['explained'])} dimensions hold {100 * sum(answer['explained']):.0f} % of the "
        f"variance of the averages. Conditions: {conditions}."
    )


def _describe_activity(answer: StoredAnswer) -> str:
    if answer["source"] == "latents":
        return f"latents of {answer['model']} on the held-out trials of fold 0"
    population = answer["area"] or "all neurons"
    return f"counts of {population} (mean of the last {1000 * answer['window']:g} ms)"


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on paths; those in three dimensions can be turned as well."""
    in_3d = [answer for answer in answers if len(answer["explained"]) == 3]
    installed = trajectories_3d.plotly_is_installed()
    return Section(
        "Paths by condition",
        sentences=[*headlines(answers), *([NEEDS_PLOTLY] if in_3d and not installed else [])],
        figures=[_figure(answer) for answer in answers],
        turnables=[_turnable(answer) for answer in in_3d if installed],
    )


def _name_figure(answer: StoredAnswer) -> str:
    return f"paths-{to_file_name(answer['label'])}-{to_file_name(answer['source'])}"


def _figure(answer: StoredAnswer) -> Drawing:
    label = answer["label"]
    return Drawing(
        _name_figure(answer),
        draw_trajectories,
        answer,
        f"Average path (thick) and some single trials (thin) of each '{label}' through the two "
        f"dimensions in which the averages of {_describe_activity(answer)} differ most, and the "
        "first of them over time. It does not show that conditions can be told apart on single "
        "trials (thin lines may leave the frame): the dimensions were chosen to look apart, on "
        "these same trials; the decoding table says what holds on new ones."
        + describe_left_out(answer["n_left_out"], label),
        alt="Average path of each condition with single trials, through two dimensions.",
    )


def _turnable(answer: StoredAnswer) -> Turnable:
    return Turnable(
        f"{_name_figure(answer)}-turned",
        trajectories_3d.write_trajectories,
        answer,
        "The same through three dimensions: drag to turn (● start, ◆ event, ■ end; each axis has "
        "its own scale). It does not show more than the flat figure where the third dimension has "
        "little variance, and from some angle any two paths look apart.",
    )


def draw_trajectories(answer: StoredAnswer) -> Figure:
    """Draw average and single-trial paths in a plane, and the first dimension over time."""
    tables = answer.table("means"), answer.table("trials")
    return draw_paths(*tables, answer["explained"], answer["align_to"])


@report_style
def draw_paths(
    means: pd.DataFrame, trials: pd.DataFrame, explained: Sequence[float] | np.ndarray, event: str
) -> Figure:
    """Draw paths from the tables of trajectories, and the first dimension over time."""
    figure = new_figure(3.6)
    plane, first = figure.subplots(1, 2)
    for place, (name, mean) in enumerate(means.groupby("condition", sort=False)):
        color = AREAS[place % len(AREAS)]
        for _, single in trials[trials["condition"] == name].groupby("trial"):
            plane.plot(single["x"], single["y"], color=color, linewidth=0.4, alpha=0.25)
        _draw_mean_path(plane, mean, f"{name} ({mean['n_trials'].iloc[0]} trials)", color)
        time, error = 1000 * mean["time"], mean["x_sem"]
        first.fill_between(time, mean["x"] - error, mean["x"] + error, color=color, alpha=0.2, lw=0)
        first.plot(time, mean["x"], color=color, linewidth=1.4)
    one, two = (100 * share for share in explained[:2])
    plane.set(
        xlim=trajectories_3d.find_frame(means["x"]),
        ylim=trajectories_3d.find_frame(means["y"]),
        xlabel=f"dimension 1 ({one:.0f} % of variance)",
        ylabel=f"dimension 2 ({two:.0f} %)",
        title="● start   ★ event   ■ end",
    )
    first.set(xlabel=f"ms from {event}", ylabel="dimension 1 (mean ± s.e.m.)")
    draw_top_legend(figure, plane, 4)
    return figure


def _draw_mean_path(axes: Axes, mean: pd.DataFrame, label: str, color: str) -> None:
    x, y, time = (mean[name].to_numpy() for name in ("x", "y", "time"))
    axes.plot(x, y, color=color, linewidth=2, label=to_label(label))
    axes.plot(x[0], y[0], "o", color=color, markersize=5)
    axes.plot(x[-1], y[-1], "s", color=color, markersize=5)
    if time.min() < 0 < time.max():
        event = int(np.abs(time).argmin())
        axes.plot(x[event], y[event], "*", color=color, markeredgecolor="black", markersize=9)
