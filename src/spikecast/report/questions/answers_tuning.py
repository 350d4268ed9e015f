"""What the page says of tuning: which trial variables each latent or neuron follows."""

import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from spikecast.report.questions.answer_figures import ALPHA
from spikecast.report.shared.formatting import file_name, listed
from spikecast.report.shared.section import Drawing, Section, Table
from spikecast.report.shared.style import figure_of, styled
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


def tuning(answers: list[StoredAnswer]) -> Section:
    """The strongest first, the rest folded away."""
    section = Section("What each latent and neuron follows")
    first = answers[0]
    section.sentences.append(
        "The mean of each over the trial was ranked over trials, and so was each variable (up to "
        "10 values: classes, Kruskal-Wallis; more: Spearman). p comes from "
        f"{listed(NULLS[a['null']] for a in answers)} {first['permutations']} times, corrected for "
        "the number of tests in a figure: "
        f"{listed(CORRECTIONS[a['correction']] for a in answers)}. Latents, and the neurons of an "
        "area, are numbered from 0 in their order in the file."
    )
    n_first = max(3, FIRST_ROWS // len(answers))
    for a in answers:
        tests = a.table("tests")
        section.sentences.append(_counted(a, tests))
        section.figures.append(
            Drawing(
                f"tuning-{file_name(a['model'] or a['area'] or 'all')}",
                heat_map,
                a,
                f"Share of the variance of each {unit(a)}'s ranks over trials that a variable "
                f"explains (darker: more; blue with a dot: corrected p ≤ 0.05; grey: may be "
                f"chance), most tuned {unit(a)}s first. It does not show what a {unit(a)} is for: "
                "variables that go together mark the same ones, tuning that is brief or changes "
                "sign within the trial is averaged away"
                + (
                    ", and latents are not independent, so their number says little."
                    if a["source"] == "latents"
                    else "."
                ),
            )
        )
        ordered = tests.sort_values("effect", ascending=False)
        found = ordered[ordered["p_corrected"] <= ALPHA]
        title = f"{_whose(a)}: " + ("the strongest" if len(found) else "none passes; the strongest")
        best = found if len(found) else ordered
        section.tables.append(_table(a, best[:n_first], title))
        rest = ordered.drop(best.index[:n_first])
        if len(rest):
            path = a.layout.answer_table(a.name, "tests")
            more = f" ({MOST_ROWS} of {len(rest)}; all in {path.name})"
            title = f"{_whose(a)}: the rest" + (more if len(rest) > MOST_ROWS else "")
            section.more_tables.append(_table(a, rest[:MOST_ROWS], title))
    return section


def unit(answer: StoredAnswer) -> str:
    """What is tuned."""
    return "latent" if answer["source"] == "latents" else "neuron"


def _whose(a: StoredAnswer) -> str:
    if a["source"] == "latents":
        return f"latents of {a['model']}"
    return f"neurons of {a['area']}" if a["area"] else "all neurons"


def _counted(a: StoredAnswer, tests: pd.DataFrame) -> str:
    hits = tests[tests["p_corrected"] <= ALPHA]
    sizes = {name: (hits["variable"] == name).sum() for name in tests["variable"].unique()}
    some = [f"{sizes[name]} follow {name}" for name in sorted(sizes, key=lambda name: -sizes[name])
            if sizes[name]]  # fmt: skip
    none = [name for name, size in sizes.items() if not size]
    where = f"{a['n_trials']} trials" + (" held out in fold 0" if unit(a) == "latent" else "")
    if a["window"]:
        start, stop = (1000 * edge for edge in a["window"])
        where += f", {start:g} to {stop:g} ms"
    whose = _whose(a)
    found = [", ".join(some)] * bool(some) + [f"none follows {', '.join(none)}"] * bool(none)
    said = f"{whose[0].upper()}{whose[1:]} ({a['n_units']}; {where}): {'; '.join(found)}."
    left_out = [f"{name} ({why})" for name, why in a["left_out"].items()]
    return said + (f" Not tested: {', '.join(left_out)}." if left_out else "")


def _table(a: StoredAnswer, tests: pd.DataFrame, title: str) -> Table:
    columns = [unit(a), "variable", "as", "variance of<br>ranks explained", "p",
               "p corrected", "trials"]  # fmt: skip
    rows = [
        [
            str(row["latent"]),
            row["variable"],
            row["kind"],
            f"{100 * row['effect']:.1f} %",
            _p(row["p"]),
            _p(row["p_corrected"]),
            str(row["n_trials"]),
        ]
        for _, row in tests.iterrows()
    ]
    return Table(columns, rows, 3, title)


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


@styled
def heat_map(answer: StoredAnswer) -> Figure:
    """Rank variance of each latent or neuron that each trial variable explains."""
    tests = answer.table("tests")
    names = list(tests["variable"].unique())
    effect = tests.pivot(index="variable", columns="latent", values="effect").loc[names]
    p = tests.pivot(index="variable", columns="latent", values="p_corrected").loc[names]
    order = np.argsort(-effect.max(axis=0).to_numpy(), kind="stable")[:MOST_UNITS]
    shown, sure = 100 * effect.iloc[:, order], p.iloc[:, order].to_numpy() <= ALPHA
    figure = figure_of(1.35 + 0.26 * len(names))
    axes = figure.subplots()
    # a root, or one strong neuron makes all the others look alike
    scale = PowerNorm(0.5, vmin=0, vmax=shown.to_numpy().max())
    for cmap, left_out in (("Greys", sure), ("Blues", ~sure)):
        part = np.ma.masked_array(shown, left_out)
        image = axes.imshow(part, cmap=cmap, norm=scale, aspect="auto", interpolation="nearest")
    rows, columns = np.nonzero(sure)
    dark = scale(shown.to_numpy()[rows, columns]) > 0.55
    axes.scatter(columns, rows, s=6, c=np.where(dark, "white", "black"), linewidths=0)
    n = len(order)
    few = f"{n} most tuned of {answer['n_units']}" if n < answer["n_units"] else f"all {n}"
    axes.set(
        xticks=range(n),
        xticklabels=shown.columns,
        yticks=range(len(names)),
        yticklabels=names,
        xlabel=f"{unit(answer)} ({few})",
        title=_whose(answer),
    )
    axes.tick_params(axis="x", labelsize=6 if n > 30 else 7, labelrotation=90 if n > 30 else 0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="% explained", pad=0.01)
    return figure
