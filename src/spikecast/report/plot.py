"""Figures of recordings and results, for a notebook: each function returns a matplotlib Figure.

>>> import spikecast as sc
>>> figure = sc.plot.raster(sc.load("simulated"), trial=0)
"""

import numpy as np
from matplotlib.figure import Figure

from spikecast.analysis.decoding.decode import Decoding
from spikecast.analysis.decoding.generalization import Generalization
from spikecast.analysis.decoding.over_time import OverTime
from spikecast.analysis.geometry.embedding import Embedding
from spikecast.analysis.geometry.trajectories import Trajectories
from spikecast.analysis.interareal.explain import Explanation
from spikecast.core.checks import check_in_range
from spikecast.data.recording import Recording
from spikecast.evaluation.score_table import Scores
from spikecast.report.questions.decode import draw_confusion_tables
from spikecast.report.questions.embedding import METHODS, draw_maps
from spikecast.report.questions.explain import draw_parts
from spikecast.report.questions.generalization import draw_time_matrices
from spikecast.report.questions.over_time import draw_curves
from spikecast.report.questions.trajectories import draw_paths
from spikecast.report.run.scores import draw_model_scores
from spikecast.report.shared.style import new_figure, report_style
from spikecast.scoring.metric_table import METRICS

__all__ = [
    "confusion",
    "embedding",
    "matrix",
    "onsets",
    "parts",
    "raster",
    "scores",
    "trajectories",
]

EVENT = "the event"  # results do not hold what their time starts from


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
    >>> recording = sc.simulate.decision_task(40, n_bins=80, stim_onset=0.2, seed=3).recording
    >>> result = sc.cross_validate(["mean_rate", "pca_ridge"], sc.AreaToArea("MOs"), recording)
    >>> len(scores(result).axes)
    1
    """
    summary = table.summary()
    return draw_model_scores(summary, table.metric, str(summary["model"].iloc[0]))


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
    1
    """
    return draw_confusion_tables([decoding.confusion], [decoding.source], decoding.label)


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
    return draw_curves(
        over_time.table,
        over_time.onsets,
        f"{over_time.label} from {over_time.source}",
        METRICS[over_time.metric].label,
        EVENT,
        acausal=over_time.acausal,
    )


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
    title = f"{generalization.label} from {generalization.source}"
    return draw_time_matrices([(title, vars(generalization))], n_columns=1)


def embedding(result: Embedding) -> Figure:
    """Draw a map of trials: dots were held out, crosses made the map.

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
    table = result.table if "label" in result.table else result.table.assign(label="trials")
    name = METHODS[result.method] + (", supervised" if result.supervised else "")
    return draw_maps([(name, table)], least_columns=1)


def trajectories(result: Trajectories) -> Figure:
    """Draw the mean path of each condition through two dimensions, and the first one over time.

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
    2
    """
    return draw_paths(result.table, result.trials[:0], result.explained, EVENT)


def parts(explanation: Explanation) -> Figure:
    """Draw what explains an area: unique parts, what is shared, what is its own.

    Parameters
    ----------
    explanation : Explanation
        As :func:`spikecast.explain` returns it. Parts that do not stand have a name only.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.unrelated_areas(40, (12, 12), n_bins=30, coupling=0.2).recording
    >>> figure = parts(sc.explain(recording, "B", folds=2, n_shifts=0))
    >>> figure.axes[0].get_title(loc="left")
    'What explains B'
    """
    return draw_parts(explanation.table, explanation.target, explanation.metric)
