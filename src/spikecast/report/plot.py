"""Figures of recordings and results, for a notebook: each function returns a matplotlib Figure.

>>> import spikecast as sc
>>> figure = sc.plot.raster(sc.load("simulated"), trial=0)
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spikecast.analysis.decoding.decode import Decoding
from spikecast.analysis.decoding.generalization import Generalization
from spikecast.analysis.decoding.over_time import OverTime
from spikecast.analysis.geometry.embedding import Embedding
from spikecast.analysis.geometry.trajectories import Trajectories
from spikecast.core.checks import check_in_range
from spikecast.data.recording import Recording
from spikecast.evaluation.score_table import Scores
from spikecast.report.shared.style import AREAS, draw_score, model_color, new_figure, report_style
from spikecast.scoring.metric_table import METRICS

__all__ = ["confusion", "embedding", "matrix", "onsets", "raster", "scores", "trajectories"]


@report_style
def raster(recording: Recording, trial: int = 0) -> Figure:
    """Draw the activity of all neurons in one trial, area by area.

    Parameters
    ----------
    recording : Recording
    trial : int

    Returns
    -------
    Figure

    Examples
    --------
    >>> import spikecast as sc
    >>> len(raster(sc.load("simulated"), trial=3).axes)
    1
    """
    check_in_range("trial", trial, 0, recording.n_trials - 1)
    area = recording.neurons["area"].to_numpy()
    order = np.argsort(area, kind="stable")
    activity = np.asarray(recording.activity[trial])[:, order].T
    half, time = recording.bin_size / 2, recording.time
    figure = new_figure(3.5)
    axes = figure.subplots()
    top = max(float(np.quantile(activity, 0.99)), 1.0)
    extent = (time[0] - half, time[-1] + half, recording.n_neurons, 0)
    axes.imshow(
        activity, cmap="Greys", vmin=0, vmax=top, aspect="auto", extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    names, sizes = np.unique(area[order], return_counts=True)
    edges = np.r_[0, np.cumsum(sizes)]
    axes.hlines(edges[1:-1], extent[0], extent[1], color="black", linewidth=0.5)
    align_to = recording.dataset.attrs["align_to"]
    axes.set(
        yticks=(edges[1:] + edges[:-1]) / 2, yticklabels=names, xlabel=f"seconds from {align_to}"
    )
    return figure


@report_style
def scores(table: Scores) -> Figure:
    """Draw the score of every model with its 95 % interval; 0 is the null.

    Parameters
    ----------
    table : Scores
        Of :func:`spikecast.cross_validate`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import spikecast as sc
    >>> result = sc.cross_validate(
    ...     ["mean_rate", "pca_ridge"], sc.AreaToArea("MOs"), sc.load("simulated"))
    >>> len(scores(result).axes)
    1
    """
    summary, metric = table.summary()[::-1], table.metric
    figure = new_figure(0.9 + 0.3 * len(summary))
    axes = figure.subplots()
    for height, (_, row) in enumerate(summary.iterrows()):
        draw_score(axes, row, metric, height, model_color(row["model"], summary["model"].iloc[-1]))
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(
        yticks=range(len(summary)), yticklabels=list(summary["model"]), xlabel=METRICS[metric].axis
    )
    return figure


@report_style
def confusion(decoding: Decoding) -> Figure:
    """Draw the share of each true class that was decoded as each class, on held-out trials.

    Parameters
    ----------
    decoding : Decoding
        Of classes, from :func:`spikecast.decode`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated")
    >>> result = sc.decode(recording, "response", n_permutations=20)
    >>> len(confusion(result).axes)
    2
    """
    counts = decoding.confusion.to_numpy(dtype=float)
    share = counts / counts.sum(axis=1, keepdims=True)
    figure = new_figure(3.2)
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label="share of the class")
    names = decoding.confusion.columns
    axes.set(
        xticks=range(len(names)), xticklabels=names, yticks=range(len(names)), yticklabels=names,
        xlabel="decoded", ylabel=decoding.label,
    )  # fmt: skip
    return figure


@report_style
def onsets(over_time: OverTime) -> Figure:
    """Draw decoding bin by bin, area by area, and the onset of each area with its interval.

    Parameters
    ----------
    over_time : OverTime
        Of :func:`spikecast.decode_over_time`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated").select(time=(-0.1, 0.2))
    >>> result = sc.decode_over_time(
    ...     recording, "response", areas=["VISp"], n_permutations=20)
    >>> len(onsets(result).axes)
    2
    """
    figure = new_figure(2.9)
    axes, dated = figure.subplots(1, 2, width_ratios=[2.1, 1])
    for place, row in over_time.onsets.iterrows():
        curve = over_time.table[over_time.table["area"] == row["area"]]
        color: Any = AREAS[int(str(place)) % len(AREAS)]
        axes.fill_between(curve["time"], curve["low"], curve["high"], color=color, alpha=0.15)
        axes.plot(curve["time"], curve["score"], color=color, label=row["area"])
        axes.plot(curve["time"], curve["chance"], color="black", linewidth=0.8, linestyle="--")
        if np.isfinite(row["onset"]):
            dated.plot([row["low"], row["high"]], [row["area"]] * 2, color=color)
            dated.plot(row["onset"], row["area"], "o", color=color)
    axes.legend()
    axes.set(xlabel="seconds", ylabel=over_time.metric.replace("_", " "), title=over_time.label)
    dated.set(xlabel="onset (seconds)", xlim=axes.get_xlim())
    return figure


@report_style
def matrix(generalization: Generalization) -> Figure:
    """Draw how well decoders trained at one time read every other time.

    Parameters
    ----------
    generalization : Generalization
        Of :func:`spikecast.temporal_generalization`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated").select(time=(0, 0.1))
    >>> result = sc.temporal_generalization(recording, "response", n_permutations=20)
    >>> len(matrix(result).axes)
    2
    """
    time = generalization.time
    half = (time[1] - time[0]) / 2
    figure = new_figure(3.2)
    axes = figure.subplots()
    ends = (time[0] - half, time[-1] + half)
    image = axes.imshow(generalization.score, origin="lower", extent=(*ends, *ends), cmap="RdBu_r")
    axes.contour(time, time, generalization.significant, levels=[0.5], colors="black")
    figure.colorbar(image, label="balanced accuracy")
    axes.set(xlabel="tested at (s)", ylabel="trained at (s)", title=generalization.label)
    return figure


@report_style
def embedding(result: Embedding) -> Figure:
    """Draw a map of trials, held-out points filled.

    Parameters
    ----------
    result : Embedding
        Of :func:`spikecast.embed`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated")
    >>> result = sc.embed(recording, "pca", labels=recording.trials["response"])
    >>> len(embedding(result).axes)
    1
    """
    figure = new_figure(3.6)
    axes = figure.subplots()
    table = result.table
    groups = table.groupby("label") if "label" in table else [("", table)]
    for place, (name, points) in enumerate(groups):
        color = AREAS[place % len(AREAS)]
        held_out = points["held_out"].to_numpy(dtype=bool)
        face = np.where(held_out, color, "none")
        axes.scatter(points["x"], points["y"], c=face, edgecolors=color, s=18, label=str(name))
    axes.legend()
    axes.set(xticks=[], yticks=[], title=f"{result.method}; filled: held out")
    return figure


@report_style
def trajectories(result: Trajectories) -> Figure:
    """Draw the mean path of each condition through two dimensions.

    Parameters
    ----------
    result : Trajectories
        Of :func:`spikecast.trajectories`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated")
    >>> result = sc.trajectories(
    ...     recording.activity, recording.time, recording.trials["response"])
    >>> len(trajectories(result).axes)
    1
    """
    figure = new_figure(3.6)
    axes = figure.subplots()
    for place, (name, path) in enumerate(result.table.groupby("condition")):
        axes.plot(path["x"], path["y"], color=AREAS[place % len(AREAS)], label=str(name))
        axes.plot(path["x"].iloc[0], path["y"].iloc[0], "o", color=AREAS[place % len(AREAS)])
    axes.legend()
    first, second = (f"{100 * share:.0f} % of the variance" for share in result.explained[:2])
    axes.set(xlabel=first, ylabel=second)
    return figure
