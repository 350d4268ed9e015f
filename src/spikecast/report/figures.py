"""The report's figures: each a function of a run or a target that returns a matplotlib Figure."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from spikecast.report.reading import Run, Target

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
WIDTH = 7.2  # inches: the width of the page's column

# Okabe & Ito's colours, told apart by colour-blind readers
GREY, BLUE, ORANGE, GREEN, PINK, SKY = (
    "#8a8a8a",
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
)
GROUPS = (BLUE, ORANGE, GREEN, PINK, SKY, GREY)
SIDES = {"left": BLUE, "right": ORANGE, "equal or none": GREY}
AREAS = (BLUE, ORANGE, GREEN, PINK, SKY, "#e69f00", "#7a5195", "#5b8c5a", "#444444", "#b07aa1")
NULLS = ("mean_rate", "psth")
AXIS = {"bits_per_spike": "bits per spike above the mean rate", "r2": "R² above the mean"}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw with the report's style, leaving matplotlib's settings as they were."""

    def wrapped(*args: object, **kwargs: object) -> Figure:
        with rc_context(STYLE):
            figure = draw(*args, **kwargs)
            figure.draw_without_rendering()  # lay out while the style holds
            return figure

    wrapped.__name__, wrapped.__doc__ = draw.__name__, draw.__doc__
    return wrapped


def _figure(height: float) -> Figure:
    return Figure(figsize=(WIDTH, height))


def model_color(name: str, default: str) -> str:
    """Grey for nulls, orange for the model shown, blue for the others."""
    return GREY if name in NULLS else ORANGE if name == default else BLUE


# ------------------------------------------------------------------------------------ recording


@styled
def recording(run: Run) -> Figure:
    """Raster (or heat map) of one trial, neurons by area, and the distribution of rates."""
    excerpt = run.excerpt
    area, mean = excerpt["mean_activity_area"].values, excerpt["mean_activity"].values
    names = sorted(set(area), key=lambda name: -np.sum(area == name))
    color = {name: AREAS[index % len(AREAS)] for index, name in enumerate(names)}
    figure = _figure(4.2)
    raster, rates = figure.subplots(1, 2, width_ratios=[2.4, 1])

    shown = excerpt["area"].values
    order = np.concatenate([np.flatnonzero(shown == name) for name in names])
    trial = len(excerpt["trial_number"]) // 2
    activity = excerpt["activity"].values[trial][:, order]  # (time, neuron)
    time = excerpt["time"].values
    counts = run.manifest["data"]["kind"] == "counts"
    if counts:
        bins, neurons = np.nonzero(activity)
        size = max(2.0, 250 / len(order))  # points: a tick about as high as a neuron's row
        raster.scatter(
            time[bins],
            neurons,
            s=size**2,
            marker="|",
            linewidths=0.8,
            rasterized=True,
            c=[color[name] for name in shown[order][neurons]],
        )
        if time[0] < 0 < time[-1]:
            raster.axvline(0, color="black", linewidth=0.8, linestyle=":")
    else:
        z = (activity - activity.mean(axis=0)) / np.maximum(activity.std(axis=0), 1e-6)
        raster.imshow(
            z.T,
            aspect="auto",
            cmap="Greys",
            vmin=0,
            vmax=3,
            origin="lower",
            extent=(time[0], time[-1], 0, len(order)),
            interpolation="nearest",
        )
    edges = np.cumsum([np.sum(shown == name) for name in names])
    for name, low, high in zip(names, [0, *edges[:-1]], edges, strict=True):
        if high - low > 0.015 * len(order):
            raster.text(
                1.01,
                (low + high) / 2 / len(order),
                name,
                color=color[name],
                va="center",
                transform=raster.transAxes,
                fontsize=7,
            )
    raster.set(
        xlabel=f"seconds from {run.manifest['data']['attributes']['align_to']}",
        ylabel="neurons, by area",
        ylim=(0, len(order)),
        xlim=(time[0], time[-1]),
        title=f"Trial {int(excerpt['trial_number'][trial])}",
    )

    if counts:
        rate = mean / run.manifest["data"]["bin_size"]
        for name in names[:6]:
            values = np.sort(np.clip(rate[area == name], 0.01, None))
            rates.plot(
                values, (np.arange(values.size) + 1) / values.size, color=color[name], label=name
            )
        rates.axvline(np.median(rate), color="black", linewidth=0.8, linestyle=":")
        rates.legend(loc="upper left", handlelength=1.0)
        rates.set(
            xscale="log",
            xlabel="mean rate (Hz)",
            ylabel="share of the area's neurons below",
            ylim=(0, 1),
            title=f"Median {np.median(rate):.1f} Hz",
        )
    else:
        rates.hist(mean, bins=40, color=GREY)
        rates.set(xlabel="mean activity", ylabel="neurons")
    return figure


@styled
def ranking(run: Run) -> Figure:
    """Every target's score: the model shown, the strong baseline, the PSTH."""
    targets = run.targets[::-1]
    figure = _figure(0.8 + 0.32 * len(targets))
    axes = figure.subplots()
    for row, target in enumerate(targets):
        for name, shift in (
            (target.shown_model, 0.16),
            (target.shown_baseline, -0.16),
            ("psth", -0.3),
        ):
            found = target.summary.query("model == @name")
            if not found.empty:
                _point(
                    axes,
                    found.iloc[0],
                    run.metric,
                    row + shift,
                    model_color(str(name), target.shown_model),
                )
    axes.axvline(0, color="black", linewidth=0.8)
    n_targets = [target.problem.sizes["target"] for target in targets]
    axes.set(
        yticks=range(len(targets)),
        xlabel=AXIS[run.metric],
        yticklabels=[f"{t.name} ({n})" for t, n in zip(targets, n_targets, strict=True)],
    )
    first = targets[0]
    for name in (first.shown_model, first.shown_baseline, "psth"):
        if name is not None:
            axes.plot([], [], "o", color=model_color(name, first.shown_model), label=name)
    axes.legend(loc="lower right")
    return figure


def _point(axes: Axes, row: object, metric: str, height: float, color: str) -> None:
    """A score with its interval; one that is far below the null is drawn at the left edge."""
    axes.plot([row["low"], row["high"]], [height, height], color=color, linewidth=1.6)  # type: ignore[index]
    axes.plot(row[metric], height, "o", color=color, markersize=4.5)  # type: ignore[index]


# ------------------------------------------------------------------------------------ scores


@styled
def scores(target: Target) -> Figure:
    """Headline score of every model with its interval."""
    summary, metric = target.summary, target.run.metric
    figure = _figure(0.9 + 0.3 * len(summary))
    axes = figure.subplots()
    top = max(float(summary["high"].max()), 0.02)
    left = -0.35 * top  # models far below the null are named at the edge instead of drawn
    for height, (_, row) in enumerate(summary[::-1].iterrows()):
        color = model_color(row["model"], target.shown_model)
        if row[metric] < left:
            axes.plot(0.98 * left, height, "<", color=color, markersize=6)
            axes.text(0.93 * left, height, f"{row[metric]:.2f}", va="center", color=color)
        else:
            _point(axes, row, metric, height, color)
            axes.text(
                max(row["high"], 0) + 0.02 * top,
                height,
                f"{row[metric]:.3f}",
                va="center",
                color=color,
            )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        yticks=range(len(summary)),
        yticklabels=list(summary["model"])[::-1],
        ylim=(-0.6, len(summary) - 0.4),
        xlabel=AXIS[metric] + "  (0: the null)",
        xlim=(left if summary[metric].min() < -0.01 else -0.03 * top, 1.15 * top),
    )
    return figure


@styled
def neurons(target: Target) -> Figure:
    """Scores neuron by neuron: the model shown against the baseline, and against firing rate."""
    table = target.run.neurons.query("target == @target.name")
    shown = table.query("model == @target.shown_model")["value"].to_numpy()
    unit = "bits/spike" if target.run.metric == "bits_per_spike" else "R²"
    figure = _figure(3.0)
    against, by_rate = figure.subplots(1, 2)
    if target.shown_baseline is not None:
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
    else:
        against.set_axis_off()
    mean = target.recorded.mean(axis=(0, 1))
    if target.problem.attrs["kind"] == "counts":
        by_rate.set(xscale="log", xlabel="mean rate (Hz)")
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


@styled
def averages(target: Target) -> Figure:
    """Recorded beside predicted: neurons x time, averaged over each group of trials."""
    what, label = target.groups()
    predicted, recorded = target.predicted(target.shown_model), target.recorded
    scored = np.isfinite(predicted[:, 0, 0])
    names = [name for name in np.unique(label) if np.sum(scored & (label == name)) > 1][:4]
    per_hz = 1 / target.problem.attrs["bin_size"] if _is_counts(target) else 1.0
    pairs = []
    for name in names:
        chosen = scored & (label == name)
        pairs.append([per_hz * array[chosen].mean(axis=0).T for array in (recorded, predicted)])
    # each neuron on its own scale: 0 at its mean over all, 1 at its recorded standard deviation
    every = np.concatenate([pair[0] for pair in pairs], axis=1)
    mean = every.mean(axis=1, keepdims=True)
    spread = np.maximum(every.std(axis=1, keepdims=True), 1e-9)
    reference = np.mean([pair[1] for pair in pairs], axis=0)
    order = np.argsort(reference.argmax(axis=1))

    figure = _figure(min(4.8, 2.2 + 0.02 * len(order)))
    grid = figure.subplots(1, 2 * len(names), sharex=True, sharey=True, squeeze=False)[0]
    time = target.milliseconds
    radius = max(1, len(time) // 50)
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
            panel.locator_params(axis="x", nbins=3)
    grid[0].set(ylabel="target neurons, by time of predicted peak")
    figure.supxlabel("ms from " + _aligned(target), fontsize=9)
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


@styled
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
    figure = _figure(1.0 + 1.25 * len(chosen))
    grid = figure.subplots(len(chosen), n_trials, sharex=True, sharey="row", squeeze=False)
    time, per_hz = target.milliseconds, 1 / target.problem.attrs["bin_size"] if counts else 1.0
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
            number = int(stored["test"][trial])
            axes.set_title(f"neuron {neuron}, trial {number}")
        unit = "Hz" if counts else "activity"
        row[0].set_ylabel(f"{table['value'][neuron]:.2f}\n{unit}")
    grid[0, -1].legend(loc="upper right", handlelength=1.0)
    figure.supxlabel("ms from " + _aligned(target), fontsize=9)
    return figure


# ------------------------------------------------------------------------------------ latents


@styled
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
    figure = _figure(1.0 + 1.7 * rows)
    grid = figure.subplots(rows, min(3, n_shown), sharex=True, squeeze=False)
    of_trial = label[stored["test"]]
    names = [name for name in np.unique(label) if np.sum(of_trial == name) > 1][: len(GROUPS)]
    color = dict(zip(names, GROUPS, strict=False)) | {
        name: fixed for name, fixed in SIDES.items() if name in names
    }
    time = target.milliseconds
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
    figure.supxlabel("ms from " + _aligned(target), fontsize=9)
    figure.supylabel("s.d. (mean ± s.e.m. over trials)", fontsize=9)
    return figure


@styled
def time_constants(target: Target) -> Figure:
    """Learnt time constants of all folds' latents, sorted, and what they started from."""
    per_fold = [
        np.sort(target.job(target.shown_model, fold)["time_constants_bins"])
        for fold in range(target.n_folds)
    ]
    milliseconds = 1000 * target.problem.attrs["bin_size"] * np.array(per_fold)
    figure = _figure(2.6)
    axes = figure.subplots()
    share = (np.arange(milliseconds.shape[1]) + 0.5) / milliseconds.shape[1]
    for row in milliseconds:
        axes.plot(row, share, color=ORANGE, alpha=0.35, linewidth=1)
    axes.plot(
        np.median(milliseconds, axis=0), share, color=ORANGE, linewidth=2, label="median over folds"
    )
    start = _start_constants(target)
    if start is not None:
        low, high = 1000 * target.problem.attrs["bin_size"] * np.array(start)
        axes.plot(
            [low, high], [0, 1], color=GREY, linewidth=1, linestyle="--", label="before training"
        )
    bin_size = 1000 * target.problem.attrs["bin_size"]
    axes.axvspan(milliseconds.min() * 0.8, bin_size, color="#eeeeee", linewidth=0)
    axes.text(bin_size * 0.95, 0.04, "shorter than a bin:\nno filtering", color=GREY, ha="right")
    axes.set(
        xscale="log",
        xlabel="time constant (ms)",
        ylabel="share of latents below",
        ylim=(0, 1),
        xlim=(milliseconds.min() * 0.8, milliseconds.max() * 1.2),
    )
    axes.legend(loc="upper left")
    return figure


def _start_constants(target: Target) -> tuple[float, float] | None:
    model = target.run.config.build_models()[target.shown_model]
    return getattr(model, "time_constants", None)


@styled
def training(target: Target) -> Figure:
    """Training and validation loss per epoch of the networks."""
    networks = trained(target)
    figure = _figure(2.6)
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
        axes.legend(loc="upper right")
    row[0].set_ylabel("loss per bin, sum over targets")
    return figure


def trained(target: Target) -> list[str]:
    """Models of a target that have a training history."""
    return [name for name in target.run.models if "training" in target.job(name, 0)][:4]


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
    """Whether a figure can be drawn for this target's model."""
    needs = {
        "latents": lambda: "latents" in target.arrays(target.shown_model, 0),
        "time_constants": lambda: "time_constants_bins" in target.job(target.shown_model, 0),
        "training": lambda: bool(trained(target)),
    }
    return needs[name]() if name in needs else True


def _is_counts(target: Target) -> bool:
    return target.problem.attrs["kind"] == "counts"


def _aligned(target: Target) -> str:
    if target.problem.attrs["windows"]:
        return "the start of the window"
    return str(target.run.manifest["data"]["attributes"]["align_to"])
