"""Figures of what is decoded, and when."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.analysis.decoding.decode import Decoding
from spikecast.analysis.decoding.generalization import Generalization
from spikecast.analysis.decoding.over_time import OverTime
from spikecast.core.checks import check_kind
from spikecast.report.questions.decode import draw_confusion_tables
from spikecast.report.questions.generalization import draw_time_matrices
from spikecast.report.questions.memory_answer import EVENT
from spikecast.report.questions.over_time import draw_curves
from spikecast.report.shared.place import draw_into
from spikecast.scoring.metric_table import METRICS


def confusion(decoding: Decoding, *, ax: Axes | None = None) -> Figure:
    """Draw the share of each true class that was decoded as each class, on held-out trials.

    Parameters
    ----------
    decoding : Decoding
        Of classes, from :func:`spikecast.decode`.
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
    >>> result = sc.decode(recording, "response", n_permutations=20)
    >>> len(confusion(result).axes)
    1
    """
    check_kind(decoding, Decoding)
    with draw_into(ax):
        return draw_confusion_tables([decoding.confusion], [decoding.source], decoding.label)


def onsets(over_time: OverTime, *, ax: Axes | None = None) -> Figure:
    """Draw decoding bin by bin, area by area, and the onset of each area with its interval.

    Parameters
    ----------
    over_time : OverTime
        Of :func:`spikecast.decode_over_time`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated").select(time=(-0.1, 0.2))
    >>> result = sc.decode_over_time(
    ...     recording, "response", areas=["VISp"], n_permutations=20)
    >>> len(onsets(result).axes)
    2
    """
    check_kind(over_time, OverTime)
    with draw_into(ax):
        return draw_curves(
            over_time.table,
            over_time.onsets,
            f"{over_time.label} from {over_time.source}",
            METRICS[over_time.metric].label,
            EVENT,
            acausal=over_time.acausal,
        )


def matrix(generalization: Generalization, *, ax: Axes | None = None) -> Figure:
    """Draw how well decoders trained at one time read every other time.

    Parameters
    ----------
    generalization : Generalization
        Of :func:`spikecast.temporal_generalization`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.load("simulated").select(time=(0, 0.1))
    >>> result = sc.temporal_generalization(recording, "response", n_permutations=20)
    >>> len(matrix(result).axes)
    2
    """
    check_kind(generalization, Generalization)
    title = f"{generalization.label} from {generalization.source}"
    with draw_into(ax):
        return draw_time_matrices([(title, vars(generalization))], n_columns=1)
