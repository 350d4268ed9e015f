"""Tuning: which trial variables each latent or neuron follows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from spikecast.core.files import to_file_name
from spikecast.report.questions.phrases import ALPHA
from spikecast.report.shared.formatting import format_number, join_names
from spikecast.report.shared.section import Drawing, Section, Table, make_table
from spikecast.report.shared.style import new_figure, report_style
from spikecast.runs.reader import StoredAnswer

MOST_UNITS = 60  # that can be told apart in a figure of the page's width
MOST_ROWS = 200
FIRST_ROWS = 12  # of all answers together, and 3 of each at least
CORRECTIONS = {
    "bh": "of those marked, up to 5 % are expected to be there by chance",
    "holm": "the chance of even one wrong mark is 5 %",
}
NULLS = {
    "permutation": "permuting the variable over trials",
    "circular_shift": "shifting the variable along the session",
}


def headlines(answers: Sequence[StoredAnswer]) -> list[str]:
    """Return a sentence per population: how many of its units follow each variable."""
    return [_headline(answer) for answer in answers]


def _headline(answer: StoredAnswer) -> str:
    tests = answer.table("tests")
    tuned = tests[tests["p_corrected"] <= ALPHA]
    sizes = {name: (tuned["variable"] == name).sum() for name in tests["variable"].unique()}
    some = [f"{sizes[name]} follow {name}" for name in sorted(sizes, key=lambda name: -sizes[name])
            if sizes[name]]  # fmt: skip
    none = [name for name, size in sizes.items() if not size]
    parts = [", ".join(some)] * bool(some) + [f"none follows {', '.join(none)}"] * bool(none)
    where = f"{answer['n_trials']} trials"
    if answer["source"] == "latents":
        where += " held out in fold 0"
    if answer["window"]:
        start, stop = (1000 * edge for edge in answer["window"])
        where += f", {start:g} to {stop:g} ms"
    population = _name_population(answer)
    sentence = f"{population[0].upper()}{population[1:]} ({answer['n_units']}; {where}): "
    sentence += f"{'; '.join(parts)}."
    untested = [f"{name} ({reason})" for name, reason in answer["left_out"].items()]
    return sentence + (f" Not tested: {', '.join(untested)}." if untested else "")


def _name_unit(answer: StoredAnswer) -> str:
    return "latent" if answer["source"] == "latents" else "neuron"


def _name_population(answer: StoredAnswer) -> str:
    if answer["source"] == "latents":
        return f"latents of {answer['model']}"
    return f"neurons of {answer['area']}" if answer["area"] else "all neurons"


def section(answers: Sequence[StoredAnswer]) -> Section:
    """Return the part of the page on tuning: the strongest first, the rest folded away."""
    methods = (
        "The mean of each over the trial was ranked over trials, and so was each variable (up to "
        "10 values: classes, Kruskal-Wallis; more: Spearman). p comes from "
        f"{join_names(NULLS[answer['null']] for answer in answers)} {answers[0]['permutations']} "
        "times, corrected for the number of tests in a figure: "
        f"{join_names(CORRECTIONS[answer['correction']] for answer in answers)}. Latents, and the "
        "neurons of an area, are numbered from 0 in their order in the file."
    )
    part = Section(
        "What each latent and neuron follows",
        sentences=[methods, *headlines(answers)],
        figures=[_figure(answer) for answer in answers],
    )
    n_first = max(3, FIRST_ROWS // len(answers))
    for answer in answers:
        first, rest = _tables(answer, n_first)
        part.tables.append(first)
        part.more_tables += [rest] if rest.rows else []
    return part


def _tables(answer: StoredAnswer, n_first: int) -> tuple[Table, Table]:
    """Return the strongest `n_first` tests that pass (of all where none does), and the rest."""
    population = _name_population(answer)
    tests = answer.table("tests").sort_values("effect", ascending=False)
    passing = tests[tests["p_corrected"] <= ALPHA]
    first = (passing if len(passing) else tests)[:n_first]
    rest = tests.drop(first.index)
    title = f"{population}: the rest"
    if len(rest) > MOST_ROWS:
        path = answer.layout.answer_table(answer.name, "tests")
        title += f" ({MOST_ROWS} of {len(rest)}; all in {path.name})"
    strongest = "the strongest" if len(passing) else "none passes; the strongest"
    return (
        _table(answer, first, f"{population}: {strongest}"),
        _table(answer, rest[:MOST_ROWS], title),
    )


def _table(answer: StoredAnswer, tests: pd.DataFrame, title: str) -> Table:
    rows = [
        {
            _name_unit(answer): str(row["latent"]),
            "variable": row["variable"],
            "as": row["kind"],
            "variance of<br>ranks explained": f"{100 * row['effect']:.1f} %",
            "p": _format_small_p(row["p"]),
            "p corrected": _format_small_p(row["p_corrected"]),
            "trials": str(row["n_trials"]),
        }
        for _, row in tests.iterrows()
    ]
    return make_table(rows, 3, title)


def _format_small_p(p: float) -> str:
    return "< 0.001" if p < 0.001 else format_number(p)


def _figure(answer: StoredAnswer) -> Drawing:
    unit = _name_unit(answer)
    dependent = ", and latents are not independent, so their number says little"
    return Drawing(
        f"tuning-{to_file_name(answer['model'] or answer['area'] or 'all')}",
        draw_tuning,
        answer,
        f"Share of the variance of each {unit}'s ranks over trials that a variable explains "
        "(darker: more; blue with a dot: corrected p ≤ 0.05; grey: may be chance), most tuned "
        f"{unit}s first. It does not show what a {unit} is for: variables that go together mark "
        "the same ones, tuning that is brief or changes sign within the trial is averaged away"
        f"{dependent if unit == 'latent' else ''}.",
        alt="Rank variance of each latent or neuron that each trial variable explains.",
    )


def draw_tuning(answer: StoredAnswer) -> Figure:
    """Draw a heat map: a row per variable, a column per unit."""
    return draw_variables(answer.table("tests"), _name_unit(answer), _name_population(answer))


@report_style
def draw_variables(tests: pd.DataFrame, unit: str, title: str) -> Figure:
    """Draw tests of units against variables: a row per variable, a column per `unit`."""
    names = list(tests["variable"].unique())
    effect = tests.pivot(index="variable", columns="latent", values="effect").loc[names]
    p = tests.pivot(index="variable", columns="latent", values="p_corrected").loc[names]
    order = np.argsort(-effect.max(axis=0).to_numpy(), kind="stable")[:MOST_UNITS]
    percent, sure = 100 * effect.iloc[:, order], p.iloc[:, order].to_numpy() <= ALPHA
    figure = new_figure(1.35 + 0.26 * len(names))
    axes = figure.subplots()
    # a root, or one strong neuron makes all the others look alike
    scale = PowerNorm(0.5, vmin=0, vmax=percent.to_numpy().max())
    for cmap, masked in (("Greys", sure), ("Blues", ~sure)):
        part = np.ma.masked_array(percent, masked)
        image = axes.imshow(part, cmap=cmap, norm=scale, aspect="auto", interpolation="nearest")
    rows, columns = np.nonzero(sure)
    dark = scale(percent.to_numpy()[rows, columns]) > 0.55
    axes.scatter(columns, rows, s=6, c=np.where(dark, "white", "black"), linewidths=0)
    n, n_units = len(order), effect.shape[1]
    few = f"{n} most tuned of {n_units}" if n < n_units else f"all {n}"
    axes.set(
        xticks=range(n),
        xticklabels=percent.columns,
        yticks=range(len(names)),
        yticklabels=names,
        xlabel=f"{unit} ({few})",
        title=title,
    )
    axes.tick_params(axis="x", labelsize=6 if n > 30 else 7, labelrotation=90 if n > 30 else 0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="% explained", pad=0.01)
    return figure
