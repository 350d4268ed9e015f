"""A run's scores as a picture of a few kilobytes: dots with intervals, one scale per metric."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from spikecast.report.many_runs.entries import Score
from spikecast.report.shared.style import BLUE, GREY, ORANGE

WIDTH, ROW, MOST = 168, 9, 8  # pixels, pixels, rows


def scales(scores: Iterable[Score]) -> dict[str, tuple[float, float]]:
    """From where to where each metric is drawn, so that thumbnails can be compared by eye.

    What is far below the null is cut off: one failed model would squeeze all the others.
    """
    found: dict[str, tuple[float, float]] = {}
    for score in scores:
        low, high = found.get(score.metric, (score.null, score.null))
        found[score.metric] = min(low, score.low, score.null), max(high, score.high)
    return {
        metric: (max(low, -0.25 * max(high, 0.02)), max(high, low + 0.02))
        for metric, (low, high) in found.items()
    }


def thumbnail(scores: Sequence[Score], scale: dict[str, tuple[float, float]]) -> Markup:
    """Dots with intervals: orange the best, grey controls, a bar where the null is.

    Parameters
    ----------
    scores : sequence of Score
        Of one metric; the first eight are drawn.
    scale : dict
        From :func:`scales`.
    """
    if not scores:
        return Markup("")
    drawn = scores[:MOST]
    best = next((score for score in drawn if not score.control), None)
    low, high = scale[drawn[0].metric]

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(4 + share * (WIDTH - 8), 1)

    height = ROW * len(drawn) + 4
    parts = [
        f'<svg class="thumb" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="scores of {len(scores)}: {escape(_named(scores[0]))} and below">'
    ]
    for place, score in enumerate(drawn):
        y = ROW * place + ROW / 2 + 2
        color = GREY if score.control else ORANGE if score is best else BLUE
        null = x(score.null)
        parts.append(
            f"<g><title>{escape(_named(score))}</title>"
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


def _named(score: Score) -> str:
    return (
        f"{score.of}, {score.model}: {score.value:.3f} ({score.low:.3f} to {score.high:.3f}), "
        f"null {score.null:.2f}"
    )
