"""A run's scores as a picture of a few kilobytes: dots with intervals, one scale per metric."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from spikecast.report.many_runs.entries import Score
from spikecast.report.shared.formatting import format_estimate
from spikecast.report.shared.style import BLUE, GREY, ORANGE

WIDTH, ROW, MOST = 168, 9, 8  # pixels, pixels, rows
Scales = dict[str, tuple[float, float]]
"""Metric -> the least and the largest value that is drawn."""


def find_scales(scores: Iterable[Score]) -> Scales:
    """Return the limits that each metric is drawn between, so that thumbnails compare by eye.

    What is far below the null is cut off: one failed model would squeeze all the others.
    """
    limits: Scales = {}
    for score in scores:
        low, high = limits.get(score.metric, (score.null, score.null))
        limits[score.metric] = min(low, score.low, score.null), max(high, score.high)
    return {
        metric: (max(low, -0.25 * max(high, 0.02)), max(high, low + 0.02))
        for metric, (low, high) in limits.items()
    }


def draw_thumbnail(scores: Sequence[Score], scales: Scales) -> Markup:
    """Return SVG of the first scores: the best in orange, controls in grey, a bar at the null."""
    if not scores:
        return Markup("")
    drawn = scores[:MOST]
    best = next((score for score in drawn if not score.is_control), None)
    low, high = scales[drawn[0].metric]

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(4 + share * (WIDTH - 8), 1)

    height = ROW * len(drawn) + 4
    parts = [
        f'<svg class="thumb" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{len(scores)} scores, best: {escape(_describe(scores[0]))}">'
    ]
    for place, score in enumerate(drawn):
        y = ROW * place + ROW / 2 + 2
        color = GREY if score.is_control else ORANGE if score is best else BLUE
        null = x(score.null)
        parts.append(
            f"<g><title>{escape(_describe(score))}</title>"
            f'<path d="M{null} {y - ROW / 2}v{ROW}" stroke="#1d2125" stroke-width="1"/>'
        )
        if score.value < low:
            parts.append(f'<path d="M4 {y}l5 -3v6z" fill="{color}"/></g>')
        else:
            parts.append(
                f'<path d="M{x(score.low)} {y}H{x(score.high)}" stroke="{color}" '
                f'stroke-width="1.6"/><circle cx="{x(score.value)}" cy="{y}" r="2.6" '
                f'fill="{color}"/></g>'
            )
    return Markup("".join(parts) + "</svg>")


def _describe(score: Score) -> str:
    estimate = format_estimate(score.value, score.low, score.high)
    return f"{score.target}, {score.model}: {estimate}, null {score.null:.2f}"
