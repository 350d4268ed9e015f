"""Figures of a recording, and of scores."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.core.checks import check_count, check_kind
from spikecast.data.recording import Recording
from spikecast.evaluation.score_table import Scores
from spikecast.report.run.scores import draw_model_scores
from spikecast.report.shared.place import draw_into
from spikecast.report.shared.style import new_figure, report_style


@report_style
def raster(recording: Recording, trial: int = 0, *, ax: Axes | None = None) -> Figure:
    """Draw the activity of all neurons in one trial, area by area.

    Parameters
    ----------
    recording : Recording
    trial : int
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> len(raster(sc.load("simulated"), trial=3).axes)
    1
    """
    check_kind(recording, Recording)
    trial = check_count("trial", trial, 0, recording.n_trials - 1)
    area = recording.neurons["area"].to_numpy()
    order = np.argsort(area, kind="stable")
    activity = np.asarray(recording.activity[trial])[:, order].T
    half, time = recording.bin_size / 2, recording.time
    with draw_into(ax):
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


def scores(table: Scores, *, ax: Axes | None = None) -> Figure:
    """Draw the score of every model with its 95 % interval; 0 is the null.

    Parameters
    ----------
    table : Scores
        Of :func:`spikecast.cross_validate`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.decision_task(40, n_bins=80, stim_onset=0.2, seed=3).recording
    >>> result = sc.cross_validate(["pca_ridge"], sc.AreaToArea("MOs"), recording, 2, shifts=0)
    >>> len(scores(result).axes)
    1
    """
    check_kind(table, Scores)
    summary = table.summary()
    with draw_into(ax):
        return draw_model_scores(summary, table.metric, str(summary["model"].iloc[0]))
