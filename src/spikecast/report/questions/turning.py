"""Paths in three dimensions that can be turned: the one figure of the page that needs a script."""

import pandas as pd
from markupsafe import Markup
from plotly import graph_objects
from plotly.offline import get_plotlyjs

from spikecast.report.shared.style import AREAS
from spikecast.runs.reader import StoredAnswer

HEIGHT = 480  # pixels
CAMERA = {  # the first dimension runs to the right, as in the flat figure
    "eye": {"x": 0.9, "y": -2.1, "z": 0.8},
    "center": {"x": 0, "y": 0, "z": -0.2},
}
SETTINGS = {
    "displaylogo": False,
    "responsive": True,
    "scrollZoom": False,  # scrolling past it scrolls the page
    "modeBarButtons": [["resetCameraDefault3d"]],
}


def script() -> Markup:
    """The drawing library, to be put into the page once; the wheel has only the full bundle."""
    return Markup(f"<script>{get_plotlyjs()}</script>")


def draw_paths(answer: StoredAnswer, name: str) -> Markup:
    """Average and single-trial paths of each condition through three dimensions.

    Parameters
    ----------
    answer : StoredAnswer
        Trajectories with columns ``x, y, z``.
    name : str
        The figure's id on the page.
    """
    means, trials = answer.table("means"), answer.table("trials")
    figure = graph_objects.Figure()
    for place, (condition, mean) in enumerate(means.groupby("condition", sort=False)):
        color = AREAS[place % len(AREAS)]
        common = {"legendgroup": str(condition), "hoverinfo": "skip", "showlegend": False}
        figure.add_scatter3d(
            **_broken(trials[trials["condition"] == condition]),
            **common,
            mode="lines",
            opacity=0.35,
            line={"color": color, "width": 1.5},
        )
        figure.add_scatter3d(
            **_line(mean),
            mode="lines",
            legendgroup=str(condition),
            name=f"{condition} ({mean['n_trials'].iloc[0]} trials)",
            line={"color": color, "width": 6},
            customdata=1000 * mean["time"],
            hovertemplate=f"{condition}<br>%{{customdata:.0f}} ms<extra></extra>",
        )
        places, symbols = _marked(mean)
        figure.add_scatter3d(
            **_line(mean.iloc[places]),
            **common,
            mode="markers",
            marker={"color": color, "size": 5, "symbol": symbols},
        )
    figure.update_layout(
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "color": "#1d2125"},
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        scene={
            f"{axis}axis": {
                "title": {"text": f"dimension {number} ({100 * share:.0f} %)"},
                "range": _around(means[axis]),
                "nticks": 5,
                "gridcolor": "#c9d0d8",
            }
            for number, (axis, share) in enumerate(zip("xyz", answer["explained"]), start=1)
        }
        | {"aspectmode": "cube", "dragmode": "turntable", "camera": CAMERA},
    )
    return Markup(figure.to_html(SETTINGS, include_plotlyjs=False, full_html=False, div_id=name))


def _line(table: pd.DataFrame) -> dict[str, list]:
    return {axis: table[axis].round(4).tolist() for axis in "xyz"}


def _broken(trials: pd.DataFrame) -> dict[str, list]:
    """All single trials as one line with gaps: one thing to draw instead of many."""
    found: dict[str, list] = {axis: [] for axis in "xyz"}
    for _, single in trials.groupby("trial"):
        for axis, values in _line(single).items():
            found[axis] += [*values, None]
    return found


def _marked(mean: pd.DataFrame) -> tuple[list[int], list[str]]:
    """Start, event (where it is within the trial) and end: their bins and symbols."""
    time = mean["time"].to_numpy()
    places = {0: "circle", len(time) - 1: "square"}
    if time.min() < 0 < time.max():
        places[int(abs(time).argmin())] = "diamond"
    return list(places), list(places.values())


def _around(values: pd.Series) -> list[float]:
    """The range of the averages and half of it on either side: single trials may leave it."""
    margin = 0.5 * (values.max() - values.min())
    return [float(values.min() - margin), float(values.max() + margin)]
