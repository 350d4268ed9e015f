"""Figures of two areas, and of what explains one."""

from dataclasses import astuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.analysis.interareal.explain import Explanation
from spikecast.analysis.interareal.granger import InformationFlow
from spikecast.analysis.interareal.lagged_cca import JointCorrelation
from spikecast.analysis.interareal.subspace import CommunicationSubspace
from spikecast.core.checks import check_kind
from spikecast.report.questions.explain import draw_parts
from spikecast.report.questions.granger import draw_granger
from spikecast.report.questions.lagged_cca import draw_lagged_cca
from spikecast.report.questions.memory_answer import EVENT, MemoryAnswer
from spikecast.report.questions.subspace import draw_subspace
from spikecast.report.shared.place import draw_into
from spikecast.runs.questions.subspace import draw_random_angles


def parts(explanation: Explanation, *, ax: Axes | None = None) -> Figure:
    """Draw what explains an area: unique parts, what is shared, what is its own.

    Parameters
    ----------
    explanation : Explanation
        As :func:`spikecast.explain` returns it. Parts that do not stand have a name only.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.unrelated_areas(40, (12, 12), n_bins=30, coupling=0.2).recording
    >>> figure = parts(sc.explain(recording, "B", folds=2, n_shifts=0))
    >>> figure.axes[0].get_title(loc="left")
    'What explains B'
    """
    check_kind(explanation, Explanation)
    with draw_into(ax):
        return draw_parts(explanation.table, explanation.target, explanation.metric)


def subspace(result: CommunicationSubspace, *, ax: Axes | None = None) -> Figure:
    """Draw how many dimensions of one area predict another, and how they lie to what dominates.

    Parameters
    ----------
    result : CommunicationSubspace
        Of :func:`spikecast.communication_subspace`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.unrelated_areas(40, (12, 12), n_bins=30, coupling=0.3).recording
    >>> figure = subspace(sc.communication_subspace(recording, "A", "B", folds=2, n_shifts=0))
    >>> figure.axes[0].get_title(loc="left")
    'A → B'
    """
    check_kind(result, CommunicationSubspace)
    n_neurons = len(result.source_neurons)
    facts = vars(result) | {"random_angles": draw_random_angles(n_neurons, result.rank, seed=0)}
    with draw_into(ax):
        return draw_subspace(MemoryAnswer(facts, {"ranks": result.table}))


def flow(result: InformationFlow, *, ax: Axes | None = None) -> Figure:
    """Draw what the past of each of two areas adds to the other, by lag, and which one leads.

    Parameters
    ----------
    result : InformationFlow
        Of :func:`spikecast.information_flow`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.unrelated_areas(40, (12, 12), n_bins=30, coupling=0.3).recording
    >>> result = sc.information_flow(recording, "A", "B", (1, 2), folds=2, n_shifts=0)
    >>> [axes.get_title(loc="left") for axes in flow(result).axes[1:]]
    ['Lead of A', 'Overall']
    """
    check_kind(result, InformationFlow)
    facts = {
        "source": result.source,
        "target": result.target,
        "align_to": EVENT,
        "asymmetry": astuple(result.asymmetry),
        "plain": astuple(result.plain_asymmetry),
    }
    with draw_into(ax):
        return draw_granger(
            MemoryAnswer(facts, {"lags": result.table, "over_time": result.over_time})
        )


def covariation(result: JointCorrelation, *, ax: Axes | None = None) -> Figure:
    """Draw the correlation of two areas at every pair of times, and which of them is ahead.

    Parameters
    ----------
    result : JointCorrelation
        Of :func:`spikecast.joint_correlation`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.unrelated_areas(40, (12, 12), n_bins=30, coupling=0.3).recording
    >>> figure = covariation(sc.joint_correlation(recording, "A", "B", folds=2, n_shifts=0))
    >>> figure.axes[0].get_xlabel()
    'B at (ms)'
    """
    check_kind(result, JointCorrelation)
    facts = {"source": result.source, "target": result.target, "align_to": EVENT}
    arrays = {"time": result.time, "matrix": result.matrix}
    with draw_into(ax):
        return draw_lagged_cca(MemoryAnswer(facts, {"course": result.table}, arrays))
