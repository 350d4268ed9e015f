"""The figures of one target: each a function of it that returns a matplotlib Figure."""

from collections.abc import Callable
from typing import cast

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikecast.models.timescales import Timescales
from spikecast.report.shared.style import (
    GREY,
    GROUPS,
    ORANGE,
    SIDES,
    draw_score,
    model_color,
    new_figure,
    report_style,
    set_log_ticks,
)
from spikecast.runs.reader import Target
from spikecast.scoring.fold_intervals import fold_limits
from spikecast.scoring.metric_table import METRICS

FEWEST_POINTS = 4  # of a scatter; fewer are in the table


@report_style
def scores(target: Target) -> Figure:
    """Headline score of every model with its interval."""
    summary, metric = target.summary, target.run.metric
    figure = new_figure(0.9 + 0.3 * len(summary))
    axes = figure.subplots()
    top = max(float(summary["high"].max()), 0.02)
    left = -0.35 * top  # models far below the null are named at the edge instead of drawn
    for height, (_, row) in enumerate(summary[::-1].iterrows()):
        color = model_color(row["model"], target.shown_model)
        if row[metric] < left:
            axes.plot(0.98 * left, height, "<", color=color, markersize=6)
            axes.text(0.93 * left, height, f"{row[metric]:.2f}", va="center", color=color)
        else:
            draw_score(axes, row, metric, height, color)
            axes.text(
                max(row["high"], 0) + 0.02 * top,
                height,
                f"{row[metric]:z.3f}",
                va="center",
                color=color,
            )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        yticks=range(len(summary)),
        yticklabels=list(summary["model"])[::-1],
        ylim=(-0.6, len(summary) - 0.4),
        xlabel=METRICS[metric].axis + "  (0: the null)",
        xlim=(left if summary[metric].min() < -0.01 else -0.03 * top, 1.15 * top),
    )
    return figure


@report_style
def neurons(target: Target) -> Figure:
    """Scores neuron by neuron: the model shown against the baseline, and against firing rate."""
    table = target.run.neurons.query("target == @target.name")
    shown = table.query("model == @target.shown_model")["value"].to_numpy()
    unit = METRICS[target.run.metric].unit
    figure = new_figure(3.0)
    compared = target.shown_baseline is not None
    row = figure.subplots(1, 1 + compared, squeeze=False)[0]
    against, by_rate = row[0], row[-1]
    if compared:
        other = table.query("model == @target.shown_baseline")["value"].to_numpy()
        against.plot(other, shown, "o", color=ORANGE, markersize=3.5, alpha=0.6)
        limits = [np.nanmin([other, shown]), np.nanmax([other, shown])]
        against.plot(limits, limits, color="black", linewidth=0.8)
        better = np.mean(shown > other)
        against.set(
            xlabel=f"{target.shown_baseline} ({unit})",
            ylabel=f"{target.shown_model} ({unit})",
            title=f"Above the line: {100 * better:.0f} % of neurons",
        )
    mean = target.recorded.mean(axis=(0, 1))
    if target.problem.attrs["kind"] == "counts":
        by_rate.set(xlabel="mean rate (Hz)")
        set_log_ticks(by_rate)
        mean = mean / target.problem.attrs["bin_size"]
    else:
        by_rate.set(xlabel="mean activity")
    by_rate.plot(mean, shown, "o", color=ORANGE, markersize=3.5, alpha=0.6)
    by_rate.axhline(0, color="black", linewidth=0.8)
    by_rate.set(
        ylabel=f"{target.shown_model} ({unit})",
        title=f"Above 0: {100 * np.mean(shown > 0):.0f} % of neurons",
    )
    return figure


# ------------------------------------------------------------------------------------ activity


@report_style
def averages(target: Target) -> Figure:
    """Recorded beside predicted: neurons x time, averaged over each group of trials."""
    what, label = target.groups()
    predicted = target.predicted(target.shown_model)
    scored = np.isfinite(predicted[:, 0, 0])
    return by_group(
        target.recorded[scored],
        predicted[scored],
        label[scored],
        1 / target.problem.attrs["bin_size"] if _is_counts(target) else 1.0,
        what,
        *_clock(target),
    )


def by_group(
    recorded: np.ndarray,
    predicted: np.ndarray,
    label: np.ndarray,
    per_hz: float,
    what: str,
    time: np.ndarray,
    clock: str,
) -> Figure:
    """Averages (neuron, time) of recorded and predicted activity over each group of trials.

    Parameters
    ----------
    recorded, predicted : array, (trial, time, neuron)
    label : array of str, (trial,)
    per_hz : float
        What turns activity into the unit shown.
    what : str
        What the groups are.
    time : array, (time,)
    clock : str
        Unit of the time axis, and what it starts from.
    """
    names = [name for name in np.unique(label) if np.sum(label == name) > 1][:4]
    pairs = []
    for name in names:
        chosen = label == name
        pairs.append([per_hz * array[chosen].mean(axis=0).T for array in (recorded, predicted)])
    # each neuron on its own scale: 0 at its mean over all, 1 at its recorded standard deviation
    every = np.concatenate([pair[0] for pair in pairs], axis=1)
    mean = every.mean(axis=1, keepdims=True)
    spread = np.maximum(every.std(axis=1, keepdims=True), 1e-9)
    reference = np.mean([pair[1] for pair in pairs], axis=0)
    order = np.argsort(reference.argmax(axis=1))

    figure = new_figure(min(4.8, 2.4 + 0.02 * len(order)))
    grid = figure.subplots(1, 2 * len(names), sharex=True, sharey=True, squeeze=False)[0]
    radius = max(1, len(time) // 50)
    ticks = MaxNLocator(3).tick_values(time[0], time[-1])
    ticks = ticks[(ticks >= time[0]) & (ticks <= time[-1])]
    for pair, name, axes in zip(pairs, names, grid.reshape(-1, 2), strict=True):
        for values, panel, title in zip(pair, axes, ("recorded", "predicted"), strict=True):
            image = panel.imshow(
                _smoothed((values - mean) / spread, radius if title == "recorded" else 0)[order],
                aspect="auto",
                origin="lower",
                cmap="RdBu_r",
                norm=Normalize(-2.0, 2.0),
                extent=(time[0], time[-1], 0, len(order)),
                interpolation="nearest",
            )
            panel.set_title(f"{name}\n{title}" if title == "recorded" else f"\n{title}")
            panel.set_xticks([ticks[0], ticks[-1]])  # narrow panels: more labels would touch
    grid[0].set(ylabel="target neurons,\nby time of predicted peak")
    figure.supxlabel(clock, fontsize=9)
    figure.suptitle(f"By {what}", fontsize=9, x=0.01, ha="left")
    figure.colorbar(image, ax=list(grid), label="s.d. of the neuron's average", shrink=0.7)
    return figure


def _smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """Running mean over 2 * width + 1 bins along the last axis, edges repeated."""
    if width == 0:
        return values
    padded = np.pad(values, ((0, 0), (width, width)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * width + 1, axis=1)
    return windows.mean(axis=-1)


@report_style
def single_trials(target: Target) -> Figure:
    """Recorded spikes and the predicted rate of well and less well predicted neurons."""
    table = target.run.neurons.query(
        "target == @target.name and model == @target.shown_model"
    ).reset_index(drop=True)
    stored = target.arrays(target.shown_model, 0)
    recorded = target.recorded[stored["test"]]
    prediction = stored["prediction"]
    counts = _is_counts(target)
    spikes = recorded.sum(axis=(0, 1), dtype=float) if counts else np.ones(recorded.shape[2])
    busy = np.flatnonzero(spikes >= np.quantile(spikes, 0.6))
    ranked = busy[np.argsort(-table["value"].to_numpy()[busy])]
    chosen = ranked[[0, len(ranked) // 2]] if len(ranked) > 1 else ranked[:1]
    n_trials = min(3, len(recorded))
    # trials with many spikes of these neurons show most
    activity = recorded[:, :, chosen].sum(axis=(1, 2), dtype=float)
    trials = np.sort(np.argsort(-activity)[:n_trials])
    if "target_channel" in target.problem:
        names, unit = target.problem["target_channel"].values, "value"
    else:
        names = np.array([f"neuron {index}" for index in range(len(spikes))])
        unit = "Hz" if counts else "activity"
    whole = "window" if target.problem.attrs["windows"] else "trial"
    figure = new_figure(1.2 + 1.25 * len(chosen))
    grid = figure.subplots(len(chosen), n_trials, sharex=True, sharey="row", squeeze=False)
    time, clock = _clock(target)
    per_hz = 1 / target.problem.attrs["bin_size"] if counts else 1.0
    for row, neuron in zip(grid, chosen, strict=True):
        for axes, trial in zip(row, trials, strict=True):
            axes.plot(
                time,
                per_hz * prediction[trial, :, neuron],
                color=ORANGE,
                linewidth=1.4,
                label="predicted",
            )
            if counts:
                fired = np.flatnonzero(recorded[trial, :, neuron])
                axes.plot(
                    time[fired],
                    np.zeros(fired.size),
                    "|",
                    color="black",
                    markersize=7,
                    label="spike",
                )
            else:
                axes.plot(
                    time, recorded[trial, :, neuron], color="black", linewidth=0.7, label="recorded"
                )
            axes.set_title(f"{names[neuron]}, {whole} {int(stored['test'][trial])}")
        row[0].set_ylabel(f"{unit}\n(score {table['value'][neuron]:.2f})")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(),
        loc="outside upper right",
        ncols=2,
        handlelength=1.0,
    )
    figure.supxlabel(clock, fontsize=9)
    return figure


# ------------------------------------------------------------------------------------ latents


@report_style
def latents(target: Target) -> Figure:
    """The strongest principal components of the latents over time, by group of trials."""
    what, label = target.groups()
    stored = target.arrays(target.shown_model, 0)
    values = stored["latents"].astype(np.float32)
    n_trials, n_bins, _ = values.shape
    flat = values.reshape(n_trials * n_bins, -1)
    flat = flat - flat.mean(axis=0)
    _, variance, axes = np.linalg.svd(flat, full_matrices=False)
    n_shown = int(min(6, np.sum(variance > 1e-6 * variance[0])))
    shown = (flat @ axes[:n_shown].T).reshape(n_trials, n_bins, n_shown)
    shown /= np.maximum(shown.std(axis=(0, 1)), 1e-9)
    explained = variance**2 / np.sum(variance**2)

    rows = -(-n_shown // 3)
    figure = new_figure(1.0 + 1.7 * rows)
    grid = figure.subplots(rows, min(3, n_shown), sharex=True, squeeze=False)
    of_trial = label[stored["test"]]
    names = [name for name in np.unique(label) if np.sum(of_trial == name) > 1][: len(GROUPS)]
    color = dict(zip(names, GROUPS, strict=False)) | {
        name: fixed for name, fixed in SIDES.items() if name in names
    }
    time, clock = _clock(target)
    for index, panel in enumerate(grid.flat):
        if index >= n_shown:
            panel.set_axis_off()
            continue
        for name in names:
            trials = shown[of_trial == name, :, index]
            mean = trials.mean(axis=0)
            error = trials.std(axis=0, ddof=1) / np.sqrt(len(trials))
            panel.plot(time, mean, color=color[name], label=f"{name} ({len(trials)} trials)")
            panel.fill_between(
                time, mean - error, mean + error, color=color[name], alpha=0.2, linewidth=0
            )
        panel.set_title(f"component {index + 1} ({100 * explained[index]:.0f} %)")
        if time[0] < 0 < time[-1]:
            panel.axvline(0, color="black", linewidth=0.6, linestyle=":")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(),
        title=what,
        title_fontsize=8,
        loc="outside upper center",
        ncols=len(names),
        handlelength=1.0,
    )
    figure.supxlabel(clock, fontsize=9)
    figure.supylabel("s.d. (mean ± s.e.m. over trials)", fontsize=9)
    return figure


@report_style
def time_constants(target: Target) -> Figure:
    """Learnt time constants: all of them sorted, and latent by latent against where it started."""
    model = cast(Timescales, target.run.config.build_models()[target.shown_model])
    bin_size = 1000 * target.problem.attrs["bin_size"]
    learnt = bin_size * np.array(
        [
            target.job(target.shown_model, fold)["time_constants_bins"]
            for fold in range(target.n_folds)
        ]
    )  # (fold, member * layer * latent)
    first, last = model.time_constants
    start = bin_size * np.geomspace(first, last, model.n_latents)
    frame = (0.8 * min(learnt.min(), start[0]), 1.2 * max(learnt.max(), start[-1]))
    figure = new_figure(3.0)
    whole, single = figure.subplots(1, 2)

    share = (np.arange(learnt.shape[1]) + 0.5) / learnt.shape[1]
    for row in np.sort(learnt):
        whole.plot(row, share, color=ORANGE, alpha=0.35, linewidth=1)
    median = np.median(np.sort(learnt), axis=0)
    whole.plot(median, share, color=ORANGE, linewidth=2, label="median over folds")
    whole.plot(
        start[[0, -1]], [0, 1], color=GREY, linewidth=1, linestyle="--", label="before training"
    )
    whole.axvspan(frame[0], bin_size, color="#eeeeee", linewidth=0)
    whole.text(bin_size * 0.95, 0.88, "shorter than a bin:\nno filtering", color=GREY, ha="right")
    whole.set(xlabel="time constant (ms)", ylabel="share of latents below", ylim=(0, 1))
    whole.legend(loc="lower right")

    # members and layers start alike: (fold, member * layer, latent)
    logs = np.log(learnt).reshape(len(learnt), -1, start.size).mean(axis=1)
    mean, low, high = np.exp(fold_limits(logs))
    single.plot(frame, frame, color=GREY, linewidth=1, linestyle="--", label="not moved")
    single.vlines(start, low, high, color=ORANGE, linewidth=1, label="95 % over folds")
    single.plot(start, mean, "o", color=ORANGE, markersize=3)
    single.set(yscale="log", xlabel="started at (ms)", ylabel="learnt time constant (ms)")
    single.set(ylim=(frame[0], frame[1]))
    single.legend(loc="upper left")
    for axes in (whole, single):
        axes.set(xscale="log", xlim=frame)
    return figure


@report_style
def training(target: Target) -> Figure:
    """Training and validation loss per epoch of the networks."""
    networks = trained(target)
    figure = new_figure(2.6)
    row = figure.subplots(1, len(networks), squeeze=False)[0]
    for axes, name in zip(row, networks, strict=True):
        for fold in range(target.n_folds):
            history = target.job(name, fold)["training"]
            epochs = 1 + np.arange(len(history["train_loss"]))
            train, valid = (np.mean(history[f"{part}_loss"], axis=1) for part in ("train", "valid"))
            axes.plot(
                epochs, train, color=GREY, linewidth=1, label="training" if fold == 0 else None
            )
            if np.any(valid):
                axes.plot(
                    epochs,
                    valid,
                    color=ORANGE,
                    linewidth=1,
                    label="validation" if fold == 0 else None,
                )
        axes.set(title=name, xlabel="epoch")
        axes.legend(loc="best")
    row[0].set_ylabel("loss per bin, sum over targets")
    return figure


def trained(target: Target) -> list[str]:
    """Models of a target that have a training history."""
    return [name for name in target.models if "training" in target.job(name, 0)][:4]


# ------------------------------------------------------------------------------------ helpers


OF_TARGET: dict[str, Callable[..., Figure]] = {
    "scores": scores,
    "neurons": neurons,
    "averages": averages,
    "single_trials": single_trials,
    "latents": latents,
    "time_constants": time_constants,
    "training": training,
}
"""The figures of one target, in the order of the page."""


def applies(name: str, target: Target) -> bool:
    """Whether a figure can be drawn for this target's model, and says something."""
    # windows begin anywhere: their averages over time are of nothing
    aligned = not target.problem.attrs["windows"]
    needs = {
        "neurons": lambda: target.problem.sizes["target"] >= FEWEST_POINTS,
        "averages": lambda: aligned,
        "latents": lambda: aligned and "latents" in target.arrays(target.shown_model, 0),
        "time_constants": lambda: "time_constants_bins" in target.job(target.shown_model, 0),
        "training": lambda: bool(trained(target)),
    }
    return needs[name]() if name in needs else True


def _is_counts(target: Target) -> bool:
    return target.problem.attrs["kind"] == "counts"


def _clock(target: Target) -> tuple[np.ndarray, str]:
    """Bin centres, (time,), and what they count: a window may be minutes long."""
    time = target.problem["time"].values
    if target.problem.attrs["windows"]:
        return time, "s from the start of the window"
    return 1000 * time, f"ms from {target.run.manifest['data']['attributes']['align_to']}"
