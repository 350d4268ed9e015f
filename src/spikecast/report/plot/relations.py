"""Figures of which area, or group of neurons, predicts which."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikecast.analysis.geometry.shared_dynamics import SharedDynamics
from spikecast.core.checks import check_kind
from spikecast.report.shared.place import draw_into
from spikecast.report.shared.style import new_figure, report_style
from spikecast.runs.atlas.atlas import AtlasResult


@report_style
def shared_dynamics(result: SharedDynamics, *, ax: Axes | None = None) -> Figure:
    """Draw how well each group of neurons predicts each other one; dots: dynamics are shared.

    Parameters
    ----------
    result : SharedDynamics
        Of :func:`spikecast.shared_dynamics`.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import spikecast as sc
    >>> recording = sc.simulate.spontaneous(60, 1200, planes=[0, 0, 1], n_latents=4).recording
    >>> len(shared_dynamics(sc.shared_dynamics(recording)).axes)
    2
    """
    check_kind(result, SharedDynamics)
    names = list(result.groups)
    r2 = pd.DataFrame(result.matrix(), names, names)
    return _draw_matrix(r2, result.matrix("shared") == 1, "R² on held-out time", ax)


@report_style
def pairs(result: AtlasResult, model: str | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw how well each area predicts each other one, beyond task and drift, over sessions.

    A dot marks pairs that stand in every session in which they were tested.

    Parameters
    ----------
    result : AtlasResult
        Of :func:`spikecast.atlas`.
    model : str, optional
        By default the first.
    ax : Axes, optional
        Draw here instead of in a figure of its own; several panels take the place of `ax`.

    Returns
    -------
    Figure
        That of `ax`, where it is given.

    Examples
    --------
    >>> import pandas as pd
    >>> from spikecast.runs.atlas.atlas import AtlasResult
    >>> pooled = pd.DataFrame({"model": "ridge", "source": ["A", "B"], "target": ["B", "A"],
    ...                        "value": [0.1, 0.0], "passes": [2, 0], "n_tested": [2, 2]})
    >>> pairs(AtlasResult(pooled, pooled, pooled)).axes[0].get_ylabel()
    'predicts'
    """
    check_kind(result, AtlasResult)
    value, passes, n_tested = (
        result.matrix(model, column) for column in ("value", "passes", "n_tested")
    )
    stands = (passes == n_tested) & (n_tested > 0)
    return _draw_matrix(value, stands.to_numpy(), "above task and drift, mean over sessions", ax)


def _draw_matrix(values: pd.DataFrame, marked: np.ndarray, label: str, ax: Axes | None) -> Figure:
    """Draw a matrix whose rows predict its columns, with dots."""
    with draw_into(ax):
        figure = new_figure(1.6 + 0.35 * len(values))
    axes = figure.subplots()
    top = max(float(np.nanmax(values)), 0.01)
    image = axes.imshow(values, cmap="Blues", vmin=0, vmax=top)
    rows, columns = np.nonzero(marked)
    axes.scatter(columns, rows, s=8, color="black", linewidths=0)
    axes.set(
        xticks=range(values.shape[1]),
        xticklabels=values.columns,
        yticks=range(values.shape[0]),
        yticklabels=values.index,
        xlabel="predicted",
        ylabel="predicts",
    )
    axes.tick_params(axis="x", labelrotation=90 if values.shape[1] > 12 else 0)
    figure.colorbar(image, ax=axes, label=label)
    return figure
