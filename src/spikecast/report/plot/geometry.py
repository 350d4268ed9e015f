"""Figures of dimensions, maps, paths, tuning and latents."""

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.analysis.geometry.activity import read_latents, read_time
from spikecast.analysis.geometry.alignment import Alignment
from spikecast.analysis.geometry.cell_types import CellTypes
from spikecast.analysis.geometry.dimensionality import Dimensionality
from spikecast.analysis.geometry.embedding import Embedding
from spikecast.analysis.geometry.trajectories import Trajectories
from spikecast.analysis.geometry.tuning import Tuning
from spikecast.core.checks import check_kind, check_same_length, to_list
from spikecast.report.questions.alignment import Group, draw_alignment
from spikecast.report.questions.dimensionality import draw_dimensionality
from spikecast.report.questions.embedding import METHODS, draw_maps
from spikecast.report.questions.memory_answer import EVENT, MemoryAnswer
from spikecast.report.questions.trajectories import draw_paths
from spikecast.report.questions.tuning import draw_variables
from spikecast.report.run.latents import draw_components
from spikecast.report.shared.place import draw_into
from spikecast.report.shared.style import BLUE, GREY, ORANGE, new_figure, report_style


def embedding(result: Embedding, *, ax: Axes | None = None) -> Figure:
    """Draw a map of trials: dots were held out, crosses made the map.

    Parameters
    ----------
    result : Embedding
        Of :func:`spikecast.embed`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated")
    >>> result = sc.embed(recording, "pca", labels=recording.trials["response"])
    >>> len(embedding(result).axes)
    1
    """
    check_kind(result, Embedding)
    table = result.table if "label" in result.table else result.table.assign(label="trials")
    name = METHODS[result.method] + (", supervised" if result.supervised else "")
    with draw_into(ax):
        return draw_maps([(name, table)], least_columns=1)


def trajectories(result: Trajectories, *, ax: Axes | None = None) -> Figure:
    """Draw the mean path of each condition through two dimensions, and the first one over time.

    Parameters
    ----------
    result : Trajectories
        Of :func:`spikecast.trajectories`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated")
    >>> result = sc.trajectories(
    ...     recording.activity, recording.time, recording.trials["response"])
    >>> len(trajectories(result).axes)
    2
    """
    check_kind(result, Trajectories)
    with draw_into(ax):
        return draw_paths(result.table, result.trials[:0], result.explained, EVENT)


def latents(
    latents: np.ndarray, time: np.ndarray, labels: Sequence[Any], *, ax: Axes | None = None
) -> Figure:
    """Draw the strongest principal components of latents over time: the mean of each label.

    Bands are standard errors over trials; labels of a single trial are left out.

    Parameters
    ----------
    latents : array, (trial, time, latent)
        As the ``transform`` of a model returns them.
    time : array, (time,)
        In seconds from the event; 0 is marked.
    labels : sequence, (trial,)
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Raises
    ------
    ShapeError
        If the three do not agree.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated")
    >>> problem = sc.AreaToArea("MOs").problem(recording)
    >>> model = sc.models.PCARidge().fit(problem.x, problem.y)
    >>> figure = latents(model.transform(problem.x), problem.time, recording.trials["response"])
    >>> figure.axes[0].get_title(loc="left")[:11]
    'component 1'
    """
    latents = read_latents(latents).astype(np.float32)
    words = np.asarray(to_list("labels", labels, "a list, one per trial")).astype(str)
    times = read_time(time, latents.shape[1])
    check_same_length("latents", len(latents), "labels", len(words))
    with draw_into(ax):
        return draw_components(latents, words, "", 1000 * times, f"ms from {EVENT}")


def dimensions(result: Dimensionality, *, ax: Axes | None = None) -> Figure:
    """Draw the variance that components explain, and what other neurons confirm of each.

    Parameters
    ----------
    result : Dimensionality
        Of :func:`spikecast.dimensionality`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated").select(area="MOs", trials=range(40))
    >>> len(dimensions(sc.dimensionality(recording, n_components=5)).axes)
    2
    """
    check_kind(result, Dimensionality)
    facts = vars(result) | {"area": "neurons"}
    with draw_into(ax):
        return draw_dimensionality([MemoryAnswer(facts, {"components": result.table})])


def tuning(result: Tuning, *, ax: Axes | None = None) -> Figure:
    """Draw how much of each latent's, or neuron's, variance each trial variable explains.

    Parameters
    ----------
    result : Tuning
        Of :func:`spikecast.tuning`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated").select(area="MOs")
    >>> result = sc.tuning(recording.activity, recording.trials, variables=["response"])
    >>> tuning(result).axes[0].get_yticklabels()[0].get_text()
    'response'
    """
    check_kind(result, Tuning)
    with draw_into(ax):
        return draw_variables(result.table, "latent or neuron", "What each follows")


def alignment(result: Alignment, *, ax: Axes | None = None) -> Figure:
    """Draw the R2 of aligned latents on held-out trials with its interval, beside its null.

    Parameters
    ----------
    result : Alignment
        Of :func:`spikecast.align`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> a = np.random.default_rng(0).normal(size=(40, 10, 3))
    >>> len(alignment(sc.align(a, a[..., ::-1], n_permutations=20)).axes)
    1
    """
    check_kind(result, Alignment)
    score, low, high = astuple(result.score)
    pair = {"score": score, "low": low, "high": high, "shuffled": result.shuffled, "p": result.p}
    with draw_into(ax):
        return draw_alignment([Group("two sets", "held-out trials", "", pd.DataFrame([pair]))])


@report_style
def cell_types(result: CellTypes, *, ax: Axes | None = None) -> Figure:
    """Draw how many neurons of each area have narrow, wide and unmeasured spikes.

    Parameters
    ----------
    result : CellTypes
        Of :func:`spikecast.analysis.cell_types`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.Recording.from_arrays(
    ...     np.ones((2, 3, 3), dtype=int), [0.0, 0.1, 0.2], "VISp",
    ...     neurons={"trough_to_peak": [0.2, 0.7, 0.6]})
    >>> len(cell_types(sc.analysis.cell_types(recording)).axes)
    1
    """
    check_kind(result, CellTypes)
    sizes = result.table.pivot_table(
        index="area", columns="label", values="n_neurons", aggfunc="sum", fill_value=0
    )
    with draw_into(ax):
        figure = new_figure(1.0 + 0.3 * len(sizes))
    axes = figure.subplots()
    left, places = np.zeros(len(sizes)), np.arange(len(sizes))
    for label, color in (("narrow", ORANGE), ("wide", BLUE), ("unknown", GREY)):
        if label in sizes:
            axes.barh(places, sizes[label], left=left, color=color, label=label)
            left += sizes[label].to_numpy()
    axes.set(
        yticks=places, yticklabels=sizes.index, xlabel="neurons",
        title=f"Trough to peak below {result.threshold:g} ms: narrow",
    )  # fmt: skip
    axes.legend(loc="best")
    return figure
