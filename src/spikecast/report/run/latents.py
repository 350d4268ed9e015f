"""The latents of the model that is shown, over time."""

import numpy as np
from matplotlib.figure import Figure

from spikecast.models.catalog import name_model
from spikecast.report.run.target_figure import (
    TargetFigure,
    find_time_axis,
    group_trials,
    is_cut_into_windows,
)
from spikecast.report.shared.style import (
    GROUPS,
    SIDES,
    draw_top_legend,
    make_panels,
    mark_event,
    new_figure,
    report_style,
    to_label,
)
from spikecast.runs.reader import Target

MOST_COMPONENTS = 6


def draw_latents(target: Target) -> Figure:
    """Draw the strongest principal components of the latents over time, by group of trials."""
    grouped_by, group = group_trials(target)
    stored = target.read_arrays(target.shown_model, 0)
    latents = stored["latents"].astype(np.float32)
    return draw_components(latents, group[stored["test"]], grouped_by, *find_time_axis(target))


@report_style
def draw_components(
    latents: np.ndarray, group: np.ndarray, grouped_by: str, time: np.ndarray, time_label: str
) -> Figure:
    """Draw the strongest principal components of latents (trial, time, latent), by group."""
    components, explained = _find_components(latents)
    n_shown = components.shape[2]
    figure = new_figure(1.0 + 1.7 * -(-n_shown // 3))
    _, panels = make_panels(figure, n_shown, min(3, n_shown), sharex=True)
    names = [name for name in np.unique(group) if np.sum(group == name) > 1][: len(GROUPS)]
    color = dict(zip(names, GROUPS, strict=False)) | {
        name: fixed for name, fixed in SIDES.items() if name in names
    }
    for index, panel in enumerate(panels):
        for name in names:
            trials = components[group == name, :, index]
            mean = trials.mean(axis=0)
            error = trials.std(axis=0, ddof=1) / np.sqrt(len(trials))
            panel.plot(
                time, mean, color=color[name], label=to_label(f"{name} ({len(trials)} trials)")
            )
            panel.fill_between(
                time, mean - error, mean + error, color=color[name], alpha=0.2, linewidth=0
            )
        panel.set_title(f"component {index + 1} ({100 * explained[index]:.0f} %)")
        mark_event(panel, time)
    draw_top_legend(figure, panels[0], len(names), grouped_by or None)
    figure.supxlabel(time_label, fontsize=9)
    figure.supylabel("s.d. (mean ± s.e.m. over trials)", fontsize=9)
    return figure


def _find_components(latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading components, (trial, time, component) in s.d., and shares of variance."""
    flat = latents.reshape(-1, latents.shape[2])
    flat = flat - flat.mean(axis=0)
    _, spread, axes = np.linalg.svd(flat, full_matrices=False)
    n_shown = int(min(MOST_COMPONENTS, np.sum(spread > 1e-6 * spread[0])))
    components = (flat @ axes[:n_shown].T).reshape(*latents.shape[:2], n_shown)
    components /= np.maximum(components.std(axis=(0, 1)), 1e-9)
    return components, spread**2 / np.sum(spread**2)


def _describe(target: Target) -> str:
    return (
        f"Principal components of the latents of {name_model(target.shown_model)} on the held-out "
        "trials of fold 0 (latents of different folds have different axes and are not mixed). "
        "Their order is by variance, not by what they encode."
    )


def _has_latents(target: Target) -> bool:
    """Return whether the model that is shown has latents over the time of a trial that change."""
    if is_cut_into_windows(target):
        return False
    latents = target.read_arrays(target.shown_model, 0).get("latents")
    return latents is not None and bool(np.ptp(latents, axis=(0, 1)).any())


LATENTS = TargetFigure(
    "Latents over time",
    draw_latents,
    _describe,
    "The strongest principal components of the latents over time, by group of trials.",
    _has_latents,
)
