"""Lagged canonical correlation: when two areas covary, and which of them is ahead."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from spikecast.core.files import to_file_name
from spikecast.report.questions.claims import (
    describe_control,
    describe_silence,
    describe_test,
    name_explained,
)
from spikecast.report.questions.memory_answer import AnyAnswer
from spikecast.report.shared.formatting import format_estimate
from spikecast.report.shared.section import Drawing, Section
from spikecast.report.shared.style import BLUE, GREY, mark_event, new_figure, report_style
from spikecast.runs.reader import StoredAnswer


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per pair of areas: whether they covary, when, and which is ahead."""
    return [_headline(answer) for answer in answers]


def _headline(answer: StoredAnswer) -> str:
    if silence := describe_silence(answer, "they covary no more than"):
        return silence
    times, n_bins = 1000 * np.array(answer["covarying"]), len(answer.table("course"))
    when = "in no single bin"
    if len(times):
        bins = f"{len(times)} of {n_bins} bins"
        when = f"clearly so in {bins}, from {times[0]:.0f} to {times[-1]:.0f} ms"
    leader = answer["leader"]
    return (
        f"{answer['source']} and {answer['target']} covary beyond {name_explained(answer)} "
        f"{describe_test(answer)}, {when}; "
        f"{f'{leader} is ahead' if leader else 'neither is ahead of the other'} on average "
        f"(difference of correlations {format_estimate(*answer['lead'])})."
    )


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on when areas covary."""
    methods = (
        "Each bin of one area beside each bin of the other: canonical correlation across trials, "
        "fitted to training trials, and reported for held-out ones. "
        f"{describe_control(answers)} A bin averages the last "
        f"{1000 * answers[0]['window']:g} ms."
    )
    return Section(
        "When do two areas covary",
        sentences=[methods, *headlines(answers)],
        figures=[_figure(answer) for answer in answers],
    )


def _figure(answer: StoredAnswer) -> Drawing:
    source, target = answer["source"], answer["target"]
    return Drawing(
        f"joint-{to_file_name(source)}-{to_file_name(target)}",
        draw_lagged_cca,
        answer,
        f"Left: held-out correlation of {source} at one time (up) with {target} at another "
        f"(across), over {answer['n_trials']} trials; below the dashed diagonal {source} comes "
        "first. Right: correlation at the same time, and below it how much stronger it is where "
        f"{source} comes first, over lags up to {1000 * answer['lag']:g} ms (band: 95 % interval "
        "of each bin by itself, not corrected for their number). It does not show a direction of "
        "influence: noise that grows in one area only bends the matrix too, and a third area may "
        "drive both.",
        alt="Held-out correlation of two areas at all pairs of times; which is ahead, bin by bin.",
    )


@report_style
def draw_lagged_cca(answer: AnyAnswer) -> Figure:
    """Draw the matrix of correlations, its diagonal, and the lead of the source over time."""
    time, course = 1000 * answer.arrays["time"], answer.table("course")
    figure = new_figure(3.4)
    grid = figure.add_gridspec(2, 2, width_ratios=[1.15, 1])
    square = figure.add_subplot(grid[:, 0])
    diagonal, lead = (figure.add_subplot(grid[row, 1]) for row in (0, 1))
    image = _draw_matrix(square, answer)
    figure.colorbar(image, ax=square, label="correlation on held-out trials", shrink=0.8)
    bins = 1000 * course["time"]
    diagonal.plot(bins, course["together"], color=BLUE, linewidth=1.4)
    lead.fill_between(bins, course["low"], course["high"], color=GREY, alpha=0.3, linewidth=0)
    lead.plot(bins, course["lead"], color="black", linewidth=1.4)
    for panel in (diagonal, lead):
        panel.axhline(0, color="black", linewidth=0.6)
        mark_event(panel, time)
    diagonal.set(title="At the same time", ylabel="correlation")
    diagonal.tick_params(labelbottom=False)
    lead.set(
        title=f"Lead of {answer['source']} (below 0: of {answer['target']})",
        ylabel="difference",
        xlabel=f"ms from {answer['align_to']}",
    )
    return figure


def _draw_matrix(axes: Axes, answer: AnyAnswer) -> AxesImage:
    source, target = answer["source"], answer["target"]
    time, matrix = 1000 * answer.arrays["time"], answer.arrays["matrix"]
    half = (time[1] - time[0]) / 2
    edges = (time[0] - half, time[-1] + half)
    largest = float(np.abs(matrix).max())
    image = axes.imshow(
        matrix, origin="lower", extent=(*edges, *edges), cmap="RdBu_r", vmin=-largest, vmax=largest
    )
    axes.plot(edges, edges, color="black", linewidth=0.8, linestyle="--")
    for place, name in (((0.97, 0.03), source), ((0.03, 0.97), target)):
        axes.text(
            *place,
            f"{name} first",
            transform=axes.transAxes,
            ha="right" if place[0] > 0.5 else "left",
            va="bottom" if place[1] < 0.5 else "top",
            fontsize=8,
            bbox={"color": "white", "alpha": 0.8, "pad": 1.5, "linewidth": 0},
        )
    ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(*edges)
    ticks = ticks[(ticks >= edges[0]) & (ticks <= edges[1])]
    axes.set(xticks=ticks, yticks=ticks)
    axes.set(xlabel=f"{target} at (ms)", ylabel=f"{source} at (ms)")
    return image
