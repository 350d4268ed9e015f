"""Dimensionality: how many dimensions a population has."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikecast.report.questions.memory_answer import AnyAnswer
from spikecast.report.questions.phrases import ALPHA
from spikecast.report.shared.formatting import format_count
from spikecast.report.shared.section import Drawing, Section, make_table
from spikecast.report.shared.style import AREAS, new_figure, report_style, to_label
from spikecast.runs.reader import StoredAnswer


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per population: its reliable dimensions, and what components explain."""
    return [_headline(answer) for answer in answers]


def _headline(answer: StoredAnswer) -> str:
    last = answer.table("components").iloc[-1]
    return (
        f"{answer['area'] or 'All areas'} ({answer['n_neurons']} neurons): "
        f"{format_count(answer['n_reliable'], 'reliable shared dimension')}; "
        f"{int(last['n_components'])} components explain {100 * last['in_sample']:.0f} % of the "
        f"variance in sample, {100 * last['cross_validated']:.0f} % held out."
    )


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on numbers of dimensions."""
    rows = [
        {
            "neurons of": answer["area"] or "all areas",
            "n": str(answer["n_neurons"]),
            "reliable shared<br>dimensions": str(answer["n_reliable"]),
            "participation ratio<br>shared": f"{answer['shared_participation_ratio']:.1f}",
            "participation ratio<br>noise included": f"{answer['participation_ratio']:.1f}",
        }
        for answer in answers
    ]
    figure = Drawing(
        "dimensions",
        draw_dimensionality,
        answers,
        f"Left: variance of single bins of {1000 * answers[0]['bin_size']:g} ms that principal "
        "components explain, on the trials they were fitted to (dashed) and on held-out trials. "
        "Right: how much of each shared component's variance the other half of the neurons "
        "confirms on held-out time (dots: p ≤ 0.05). It does not show a dimensionality of the "
        "area: both grow with neurons, trials and smoothing, so areas of unlike size are not "
        "compared, and the left curves hold the noise of the very neurons that are projected.",
        alt="Variance explained in sample and held out; what other neurons confirm of each "
        "component.",
    )
    return Section(
        "How many dimensions",
        sentences=headlines(answers),
        tables=[make_table(rows)],
        figures=[figure],
    )


@report_style
def draw_dimensionality(answers: Sequence[AnyAnswer]) -> Figure:
    """Draw variance explained by components, and the reliable variance of shared components."""
    figure = new_figure(2.9)
    explained, reliable = figure.subplots(1, 2)
    for place, answer in enumerate(answers):
        color, table = AREAS[place % len(AREAS)], answer.table("components")
        number = table["n_components"]
        name = to_label(f"{answer['area'] or 'all'} ({answer['n_neurons']} neurons)")
        explained.plot(number, 100 * table["cross_validated"], color=color, label=name)
        explained.plot(number, 100 * table["in_sample"], "--", color=color, linewidth=0.9)
        reliable.plot(number, 100 * table["reliable"], color=color, linewidth=1)
        sure = (table["p"] <= ALPHA) & (number <= answer["n_reliable"])
        label = f"{answer['n_reliable']} reliable"
        reliable.plot(
            number[sure], 100 * table["reliable"][sure], "o", color=color, markersize=4, label=label
        )
        ratio = answer["participation_ratio"]
        explained.plot(ratio, 0, "^", color=color, clip_on=False, markersize=6)
    explained.set(
        xlabel="principal components",
        ylabel="variance explained (%)",
        ylim=(0, None),
        title="— held out   - - in sample   ▲ participation ratio",
    )
    explained.legend(loc="lower right")
    reliable.axhline(0, color="black", linewidth=0.6)
    reliable.set(
        xlabel="shared component",
        ylabel="reliable variance (%)",
        title="Confirmed by the other half of the neurons",
    )
    reliable.xaxis.set_major_locator(MaxNLocator(integer=True))
    reliable.legend(loc="upper right")
    return figure
