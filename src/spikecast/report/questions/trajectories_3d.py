"""Trajectories in three dimensions that can be turned: the one figure that needs a script."""

from importlib.util import find_spec

import pandas as pd
from markupsafe import Markup

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
    "scrollZoom": False,  # the wheel scrolls the page
    "modeBarButtons": [["resetCameraDefault3d"]],
}


def plotly_is_installed() -> bool:
    """Return whether figures that can be turned can be written (extra ``interactive``)."""
    return find_spec("plotly") is not None


def load_script() -> Markup:
    """Return plotly's script for the head of the page; only its full bundle is in the wheel."""
    from plotly.offline import get_plotlyjs

    return Markup(f"<script>{get_plotlyjs()}</script>")


def write_trajectories(answer: StoredAnswer, name: str) -> Markup:
    """Return the HTML of each condition's paths in three dimensions; `name` is its id."""
    from plotly import graph_objects

    means, trials = answer.table("means"), answer.table("trials")
    figure = graph_objects.Figure()
    for place, (condition, mean) in enumerate(means.groupby("condition", sort=False)):
        color = AREAS[place % len(AREAS)]
        common = {"legendgroup": str(condition), "hoverinfo": "skip", "showlegend": False}
        figure.add_scatter3d(
            **_join_trials(trials[trials["condition"] == condition]),
            **common,
            mode="lines",
            opacity=0.35,
            line={"color": color, "width": 1.5},
        )
        figure.add_scatter3d(
            **_coordinates(mean),
            mode="lines",
            legendgroup=str(condition),
            name=f"{condition} ({mean['n_trials'].iloc[0]} trials)",
            line={"color": color, "width": 6},
            customdata=1000 * mean["time"],
            hovertemplate=f"{condition}<br>%{{customdata:.0f}} ms<extra></extra>",
        )
        bins, symbols = _choose_markers(mean)
        figure.add_scatter3d(
            **_coordinates(mean.iloc[bins]),
            **common,
            mode="markers",
            marker={"color": color, "size": 5, "symbol": symbols},
        )
    axes = {
        f"{axis}axis": {
            "title": {"text": f"dimension {number} ({100 * share:.0f} %)"},
            "range": find_frame(means[axis]),
            "nticks": 5,
            "gridcolor": "#c9d0d8",
        }
        for number, (axis, share) in enumerate(zip("xyz", answer["explained"]), start=1)
    }
    figure.update_layout(
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "color": "#1d2125"},
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        scene=axes | {"aspectmode": "cube", "dragmode": "turntable", "camera": CAMERA},
    )
    return Markup(figure.to_html(SETTINGS, include_plotlyjs=False, full_html=False, div_id=name))


def _coordinates(table: pd.DataFrame) -> dict[str, list]:
    return {axis: table[axis].round(4).tolist() for axis in "xyz"}


def _join_trials(trials: pd.DataFrame) -> dict[str, list]:
    """Return all single trials as one line with gaps: one thing to draw instead of many."""
    line: dict[str, list] = {axis: [] for axis in "xyz"}
    for _, single in trials.groupby("trial"):
        for axis, values in _coordinates(single).items():
            line[axis] += [*values, None]
    return line


def _choose_markers(mean: pd.DataFrame) -> tuple[list[int], list[str]]:
    """Return bins and symbols of start, event (where it is within the trial) and end."""
    time = mean["time"].to_numpy()
    markers = {0: "circle", len(time) - 1: "square"}
    if time.min() < 0 < time.max():
        markers[int(abs(time).argmin())] = "diamond"
    return list(markers), list(markers.values())


def find_frame(values: pd.Series) -> list[float]:
    """Return the range of the averages and half of it on either side: noisy trials may leave it."""
    margin = 0.5 * (values.max() - values.min())
    return [float(values.min() - margin), float(values.max() + margin)]
