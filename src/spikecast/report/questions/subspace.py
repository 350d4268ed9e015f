"""Communication subspaces: through how many dimensions one area predicts another."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikecast.core.files import to_file_name
from spikecast.report.questions.claims import (
    describe_control,
    describe_silence,
    describe_test,
    name_explained,
)
from spikecast.report.questions.memory_answer import AnyAnswer
from spikecast.report.shared.formatting import MISSING, format_number
from spikecast.report.shared.section import Drawing, Section, make_table
from spikecast.report.shared.style import BLUE, GREY, ORANGE, new_figure, report_style
from spikecast.runs.reader import StoredAnswer

LOW_R2 = 0.05  # below which dimensions are likely to be missed


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per pair of areas: how many dimensions are enough."""
    return [_headline(answer) for answer in answers]


def _headline(answer: StoredAnswer) -> str:
    source, target = answer["source"], answer["target"]
    if silence := describe_silence(answer, f"{source} predicts {target} no better than"):
        return silence
    if not answer["rank"]:
        return f"{source} → {target}: nothing of {target} is predicted on held-out trials."
    r2 = min(_best_r2(answer, target), _best_r2(answer, f"{source} (rest)"))
    enough = "1 dimension is" if answer["rank"] == 1 else f"{answer['rank']} dimensions are"
    sentence = (
        f"{source} → {target}: beyond {name_explained(answer)}, {enough} enough "
        f"{describe_test(answer)}, against {answer['rank_within']} within {source}"
    )
    if answer["rank_within"] <= answer["rank"]:
        sentence += ", so nothing speaks for a subspace of its own"
    if r2 < LOW_R2:
        sentence += f"; an R² as low as {r2:.3f} shows only the strongest"
    return sentence + "."


def _best_r2(answer: StoredAnswer, target: str) -> float:
    table = answer.table("ranks")
    return float(table[table["to"] == target]["r2"].max())


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on dimensions that one area passes on."""
    first = answers[0]
    methods = (
        "Half of the source's neurons predict equally many of the target and, for comparison, of "
        f"the source's other half, by reduced-rank regression of {1000 * first['window']:g} ms "
        f"counts, bin by bin. {describe_control(answers)} Scores are of held-out trials "
        f"({first['folds']} folds). The rank is the smallest within one standard error of the "
        "best, and no more than the dimensions that pass; where it is lower than "
        "within the source, the dimensions that are left are the source's own."
    )

    return Section(
        "Through how many dimensions does one area predict another",
        sentences=[methods, *headlines(answers)],
        tables=[make_table([_make_row(answer) for answer in answers])],
        figures=[_figure(answer) for answer in answers],
    )


def _make_row(answer: StoredAnswer) -> dict[str, str]:
    angles, shared = answer["angles"], answer["shared_variance"]
    largest = f"{angles[0]:.0f}° ({answer['random_angles'][0]:.0f}°)" if angles else MISSING
    return {
        "from → to": f"{answer['source']} → {answer['target']}",
        "neurons": f"{answer['n_neurons']} → {answer['n_targets']}",
        "R² held out": format_number(_best_r2(answer, answer["target"])),
        "dimensions<br>to the target": str(answer["rank"])
        + ("" if answer["claim"]["p"] is not None else " (not tested)"),
        "within<br>the source": str(answer["rank_within"]),
        "private": str(answer["n_private"]),
        "their share of the<br>source's variance": f"{100 * shared:.0f} %"
        if answer["rank"]
        else MISSING,
        "largest angle<br>(random)": largest,
    }


def _figure(answer: StoredAnswer) -> Drawing:
    source, target = answer["source"], answer["target"]
    return Drawing(
        f"subspace-{to_file_name(source)}-{to_file_name(target)}",
        draw_subspace,
        answer,
        f"Left: how well {source} predicts held-out trials of {target} and of its own other half "
        "with more and more dimensions (band: ± one standard error over folds; ringed: the "
        "smallest rank within one of the best). Right: angles between the dimensions that predict "
        f"{target} and those in which {source} varies most; grey: between random dimensions, so "
        "near the grey means unrelated. It does not show a direction (bins are the same for both) "
        "nor that there are no more dimensions: a low R² hides them, and more neurons or trials "
        "may find them.",
        alt="Held-out R2 by number of dimensions, and how those dimensions lie to the dominant "
        "ones.",
    )


@report_style
def draw_subspace(answer: AnyAnswer) -> Figure:
    """Draw R2 by rank to the target and within the source, and the principal angles."""
    figure = new_figure(2.9)
    curve, angles = figure.subplots(1, 2, width_ratios=[1.5, 1])
    _draw_ranks(curve, answer)
    angles.set(title="Angle to what dominates", ylim=(0, 95), yticks=[0, 30, 60, 90])
    if not answer["rank"]:
        angles.set(xticks=[])
        angles.text(0.5, 0.5, "nothing is predicted", transform=angles.transAxes, ha="center")
        return figure
    number = np.arange(1, answer["rank"] + 1)
    angles.plot(number, answer["random_angles"], "_", color=GREY, markersize=16, label="random")
    angles.plot(number, answer["angles"], "o", color=ORANGE, markersize=5, label="found")
    angles.set(xlabel="principal angle", ylabel="degrees", xlim=(0.4, answer["rank"] + 0.6))
    angles.set_xticks(number)
    angles.legend(loc="lower left")
    return figure


def _draw_ranks(axes: Axes, answer: AnyAnswer) -> None:
    source, target = answer["source"], answer["target"]
    table = answer.table("ranks")
    for name, label, rank, color in (
        (target, f"to {target}", answer["rank"], ORANGE),
        (f"{source} (rest)", f"within {source}", answer["rank_within"], BLUE),
    ):
        rows = table[table["to"] == name]
        r2, error = rows["r2"], rows["standard_error"]
        axes.fill_between(rows["rank"], r2 - error, r2 + error, color=color, alpha=0.2, lw=0)
        plural = "dimension" if rank == 1 else "dimensions"
        axes.plot(
            rows["rank"], r2, "o-", color=color, markersize=3, label=f"{label}: {rank} {plural}"
        )
        chosen = rows[rows["rank"] == rank]
        axes.plot(
            chosen["rank"], chosen["r2"], "o", color=color, markerfacecolor="none", markersize=10
        )
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set(xlabel="dimensions", ylabel="R² on held-out trials", title=f"{source} → {target}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="best")
