"""The time constants that a model with leaky latents has learnt."""

from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from spikecast.models.catalog import name_model
from spikecast.models.timescales import Timescales
from spikecast.report.run.target_figure import TargetFigure
from spikecast.report.shared.style import GREY, ORANGE, new_figure, report_style
from spikecast.runs.reader import Target
from spikecast.scoring.fold_intervals import compute_fold_limits


@report_style
def draw_time_constants(target: Target) -> Figure:
    """Draw all time constants sorted, and each latent's against where it started."""
    name = _list_leaky(target)[0]
    model = cast(Timescales, target.run.config.build_models()[name])
    bin_size = 1000 * target.problem.attrs["bin_size"]
    folds = range(target.n_folds)
    learnt = [target.read_job(name, fold)["time_constants_bins"] for fold in folds]
    time_constants = bin_size * np.array(learnt)  # (fold, member * layer * latent)
    first, last = model.time_constants
    start = bin_size * np.geomspace(first, last, model.n_latents)
    frame = (0.8 * min(time_constants.min(), start[0]), 1.2 * max(time_constants.max(), start[-1]))
    figure = new_figure(3.0)
    every, single = figure.subplots(1, 2)
    _draw_distribution(every, time_constants, start)
    every.axvspan(frame[0], bin_size, color="#eeeeee", linewidth=0)
    every.text(bin_size * 0.95, 0.88, "shorter than a bin:\nno filtering", color=GREY, ha="right")

    # members and layers start alike: (fold, member * layer, latent)
    logs = np.log(time_constants).reshape(len(time_constants), -1, start.size).mean(axis=1)
    mean, low, high = np.exp(compute_fold_limits(logs))
    single.plot(frame, frame, color=GREY, linewidth=1, linestyle="--", label="not moved")
    single.vlines(start, low, high, color=ORANGE, linewidth=1, label="95 % over folds")
    single.plot(start, mean, "o", color=ORANGE, markersize=3)
    single.set(yscale="log", xlabel="started at (ms)", ylabel="learnt time constant (ms)")
    single.set(ylim=(frame[0], frame[1]))
    single.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    for axes in (every, single):
        axes.set(xscale="log", xlim=frame)
    for axis in (every.xaxis, single.xaxis, single.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(LogFormatter(labelOnlyBase=False))
    return figure


def _list_leaky(target: Target) -> list[str]:
    """Return the models that learnt time constants, the one that is shown first if it did."""
    names = sorted(target.summary["model"], key=lambda name: name != target.shown_model)
    return [name for name in names if "time_constants_bins" in target.read_job(name, 0)]


def _draw_distribution(axes: Axes, time_constants: np.ndarray, start: np.ndarray) -> None:
    share = (np.arange(time_constants.shape[1]) + 0.5) / time_constants.shape[1]
    in_order = np.sort(time_constants)
    for row in in_order:
        axes.plot(row, share, color=ORANGE, alpha=0.35, linewidth=1)
    axes.plot(
        np.median(in_order, axis=0), share, color=ORANGE, linewidth=2, label="median over folds"
    )
    axes.plot(
        start[[0, -1]], [0, 1], color=GREY, linewidth=1, linestyle="--", label="before training"
    )
    axes.set(xlabel="time constant (ms)", ylabel="share of latents below", ylim=(0, 1))
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)


def _describe(target: Target) -> str:
    return (
        f"Left: sorted time constants of all latents of {name_model(_list_leaky(target)[0])}, one "
        "thin line per fold; a steep stretch is a favoured time scale. Right: each latent against "
        "where it started, mean of members and folds with a 95 % interval over folds; where it "
        "crosses the dashed line, training did not measurably move that latent. It does not show "
        "time constants of neurons: several latents may serve one of them."
    )


TIME_CONSTANTS = TargetFigure(
    "Time constants",
    draw_time_constants,
    _describe,
    "Learnt time constants: all of them sorted, and latent by latent against where it started.",
    lambda target: bool(_list_leaky(target)),
)
