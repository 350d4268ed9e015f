"""Figures of protocols as described: each draws the arrays a study kept, as the deck did."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from spikecast.report.figures import by_group
from spikecast.report.style import BLUE, GREY, GROUPS, ORANGE, figure_of, styled

Arrays = Mapping[str, np.ndarray]


@styled
def averages(arrays: Arrays) -> Figure:
    """Average activity of the target neurons by trial type, recorded beside predicted."""
    return by_group(
        arrays["recorded"],
        arrays["predicted"],
        arrays["label"],
        1000 * arrays["time"],
        1 / float(arrays["bin_size"]),
        "trial type, training trials",
        "the stimulus",
    )


@styled
def latents(arrays: Arrays) -> Figure:
    """Average of each latent over the trials of each type, with standard errors."""
    values, label = arrays["latents"], arrays["label"].astype(str)
    time = 1000 * arrays["time"]
    n_shown = min(values.shape[2], 6)
    strongest = np.argsort(-values.std(axis=(0, 1)))[:n_shown]
    figure = figure_of(1.0 + 1.6 * -(-n_shown // 3))
    grid = figure.subplots(-(-n_shown // 3), min(3, n_shown), sharex=True, squeeze=False)
    names = [name for name in np.unique(label) if np.sum(label == name) > 1][: len(GROUPS)]
    for panel in grid.flat[n_shown:]:
        panel.set_axis_off()
    for latent, panel in zip(strongest, grid.flat):
        for name, color in zip(names, GROUPS):
            trials = values[label == name][:, :, latent]
            mean, error = trials.mean(axis=0), trials.std(axis=0, ddof=1) / len(trials) ** 0.5
            panel.plot(time, mean, color=color, label=f"{name} ({len(trials)} trials)")
            panel.fill_between(
                time, mean - error, mean + error, color=color, alpha=0.2, linewidth=0
            )
        panel.set_title(f"latent {latent + 1}")
        if time[0] < 0 < time[-1]:
            panel.axvline(0, color="black", linewidth=0.6, linestyle=":")
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=len(names),
        handlelength=1.0,
    )
    figure.supxlabel("ms from the stimulus", fontsize=9)
    return figure


@styled
def over_time(arrays: Arrays) -> Figure:
    """Accuracy bin by bin: latents as described, and the sound curve from causal counts."""
    figure = figure_of(2.8)
    axes = figure.subplots()
    time = 1000 * arrays["time"]
    axes.plot(time, arrays["curve"], color=ORANGE, label="as described: latents that know the end")
    axes.axhline(float(arrays["majority"]), color=GREY, linestyle="--", linewidth=0.8)
    axes.text(time[-1], float(arrays["majority"]), "always the most frequent class", va="bottom",
              ha="right", fontsize=7, color=GREY)  # fmt: skip
    if "sound_curve" in arrays:
        axes.plot(
            1000 * arrays["sound_time"],
            arrays["sound_curve"],
            color=BLUE,
            label="sound: causal counts, held out (balanced over classes)",
        )
    if time[0] < 0 < time[-1]:
        axes.axvline(0, color="black", linewidth=0.6, linestyle=":")
    axes.set(xlabel="ms from the stimulus", ylabel="accuracy", ylim=(0, 1.03))
    axes.legend(loc="lower right")
    return figure


@styled
def confusion(arrays: Arrays) -> Figure:
    """Share of each true class decoded as each class, on training and on test trials."""
    names = [str(name) for name in arrays["classes"]]
    parts = [part for part in ("train", "test") if part in arrays]
    figure = figure_of(0.9 + 0.45 * len(names))
    grid = figure.subplots(1, len(parts), squeeze=False)[0]
    for part, panel in zip(parts, grid):
        counts = pd.DataFrame(arrays[part]).to_numpy(dtype=float)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        panel.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (i, j), value in np.ndenumerate(share):
            color = "white" if value > 0.6 else "black"
            panel.text(
                j, i, f"{100 * value:.0f} %\n({counts[i, j]:.0f})", ha="center", va="center",
                color=color, fontsize=7,
            )  # fmt: skip
        panel.set(
            xticks=range(len(names)), xticklabels=names, yticks=range(len(names)),
            yticklabels=names, xlabel="decoded",
            title="training trials" if part == "train" else "test trials",
        )  # fmt: skip
        panel.spines[:].set_visible(False)
    grid[0].set_ylabel("true")
    return figure


DRAW: dict[str, Callable[[Arrays], Figure]] = {
    "averages": averages,
    "latents": latents,
    "over_time": over_time,
    "confusion": confusion,
}
"""What presets call their figures by."""
