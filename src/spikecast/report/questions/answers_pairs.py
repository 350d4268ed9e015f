"""What the page says of two of a kind: how areas covary, whether folds and models agree."""

import numpy as np
import pandas as pd

from spikecast.report.questions import pair_figures as figures
from spikecast.report.questions.answer_figures import ALPHA
from spikecast.report.shared.formatting import file_name
from spikecast.report.shared.section import Drawing, Section, Table
from spikecast.runs.reader import StoredAnswer

METHODS = {
    "procrustes": "rotated, scaled and shifted (Procrustes)",
    "cca": "mapped through canonical correlations",
}
LOW = 0.05  # R2 below which dimensions are likely to be missed
WHAT = {"trials": "same trials", "averages": "condition averages"}


def joint(answers: list[StoredAnswer]) -> Section:
    """When two areas covary."""
    section = Section("When do two areas covary")
    first = answers[0]
    section.sentences.append(
        "Each bin of one area beside each bin of the other: canonical correlation across trials, "
        "learnt on training trials, and reported for held-out ones. Each condition's mean response "
        "is taken out first, so this is what trials share beyond the stimulus. A bin averages the "
        f"last {1000 * first['window']:g} ms."
    )
    for a in answers:
        course = a.table("course")
        source, target = a["source"], a["target"]
        ahead = [
            f"{name} is ahead in {n} of {len(course)} bins"
            for name, n in (
                (source, (course["low"] > 0).sum()),
                (target, (course["high"] < 0).sum()),
            )
        ]
        by_chance = round(0.05 * len(course))
        section.sentences.append(
            f"{source} and {target}: {', '.join(ahead)}. About {by_chance} in all would be by "
            "chance alone, and neighbouring bins go together."
        )
        section.figures.append(
            Drawing(
                f"joint-{file_name(source)}-{file_name(target)}",
                figures.joint,
                a,
                f"Left: held-out correlation of {source} at one time (up) with {target} at another "
                f"(across), over {a['n_trials']} trials; below the dashed diagonal {source} comes "
                f"first. Right: correlation at the same time, and below it how much stronger it is "
                f"where {source} comes first, over lags up to {1000 * a['lag']:g} ms (band: 95 % "
                "interval of each bin by itself, not corrected for their number). It does not show "
                "a direction of influence: noise that grows in one area only bends the matrix too, "
                "and a third area may drive both.",
            )
        )
    return section


def subspace(answers: list[StoredAnswer]) -> Section:
    """Dimensions that one area passes on."""
    section = Section("Through how many dimensions does one area predict another")
    first = answers[0]
    section.sentences.append(
        "Half of the source's neurons predict equally many of the target and, for comparison, of "
        f"the source's other half, by reduced-rank regression of {1000 * first['window']:g} ms "
        "counts, bin by bin, each condition's mean response taken out. Scores are of held-out "
        f"trials ({first['folds']} folds). The rank is the smallest within one standard error of "
        "the best; where it is lower than within the source, the dimensions that are left are the "
        "source's own."
    )
    columns = ["from → to", "neurons", "R² held out", "dimensions<br>to the target",
               "within<br>the source", "private", "their share of the<br>source's variance",
               "largest angle<br>(random)"]  # fmt: skip
    section.tables.append(Table(columns, [_ranks(a) for a in answers]))
    section.sentences += [_passed_on(a) for a in answers]
    for a in answers:
        source, target = a["source"], a["target"]
        section.figures.append(
            Drawing(
                f"subspace-{file_name(source)}-{file_name(target)}",
                figures.subspace,
                a,
                f"Left: how well {source} predicts held-out trials of {target} and of its own "
                "other half with more and more dimensions (band: ± one standard error over folds; "
                "ringed: the smallest rank within one of the best). Right: angles between the "
                f"dimensions that predict {target} and those in which {source} varies most; grey: "
                "between random dimensions, so near the grey means unrelated. It does not show a "
                "direction (bins are the same for both) nor that there are no more dimensions: a "
                "low R² hides them, and more neurons or trials may find them.",
            )
        )
    return section


def _ranks(a: StoredAnswer) -> list[str]:
    angles = a["angles"]
    return [
        f"{a['source']} → {a['target']}",
        f"{a['n_neurons']} → {a['n_targets']}",
        f"{_best(a, to=a['target']):.3f}",
        str(a["rank"]),
        str(a["rank_within"]),
        str(a["n_private"]),
        f"{100 * a['shared_variance']:.0f} %" if a["rank"] else "–",
        f"{angles[0]:.0f}° ({a['random_angles'][0]:.0f}°)" if angles else "–",
    ]


def _best(a: StoredAnswer, to: str) -> float:
    table = a.table("ranks")
    return float(table[table["to"] == to]["r2"].max())


def _passed_on(a: StoredAnswer) -> str:
    source, target = a["source"], a["target"]
    if not a["rank"]:
        return f"{source} → {target}: nothing of {target} is predicted on held-out trials."
    r2 = min(_best(a, to=target), _best(a, to=f"{source} (rest)"))
    n = "1 dimension is" if a["rank"] == 1 else f"{a['rank']} dimensions are"
    private = a["rank_within"] - a["rank"]
    return (
        f"{source} → {target}: {n} enough, against {a['rank_within']} within {source}"
        + ("" if private > 0 else ", so nothing speaks for a subspace of its own")
        + (f"; an R² as low as {r2:.3f} shows only the strongest." if r2 < LOW else ".")
    )


def align(answers: list[StoredAnswer]) -> Section:
    """Whether folds and models found the same latents."""
    section = Section("Are the latents the same in every fold and model")
    first = answers[0]
    section.sentences.append(
        f"The leading {first['components']} principal components of one set of latents were "
        f"{METHODS[first['method']]} onto those of another; R² is of what was held out from that "
        f"map, and the null does the same with trials (or conditions) permuted {first['shuffles']} "
        "times: it is what a time course common to all trials gives."
    )
    if any(a["compared"] == "folds" for a in answers):
        section.sentences.append(
            "Folds hold out different trials, so two things are aligned. Same trials: both fitted "
            "models are given the trials that either held out; each trial is new to one of the two "
            "and was learnt from by the other. Condition averages: every trial is new to its "
            "model, but the averages are of different and few trials, whose noise alone keeps R² "
            "far below 1 (below 0: the map does worse than the mean)."
        )
    if any(a["compared"] == "models" for a in answers):
        section.sentences.append("Two models are aligned on the trials that both held out.")
    groups = [group for a in answers for group in _groups(a)]
    columns = ["latents", "aligned on", "pairs", "R² held out<br>median", "lowest to highest",
               "null", "pairs with<br>p ≤ 0.05"]  # fmt: skip
    rows = [
        [
            name,
            f"{n} {on}",
            str(len(found)),
            f"{found['score'].median():.2f}",
            f"{found['score'].min():.2f} to {found['score'].max():.2f}",
            f"{round(found['shuffled'].median(), 2) + 0:.2f}",  # 0.00, not -0.00
            str((found["p"] <= ALPHA).sum()),
        ]
        for name, on, n, found in groups
    ]
    section.tables.append(Table(columns, rows, n_words=2))
    section.figures.append(
        Drawing(
            "align",
            figures.align,
            [(f"{name}\n{on}", found) for name, on, _, found in groups],
            "R² of one set of latents predicted from the other by the map, each dot a pair of "
            "folds, or a fold of two models, with its 95 % interval over trials or conditions "
            "(hollow: p > 0.05); grey: the null. It does not show that latents are right, only "
            "that they are alike: two fits of one method on the same recording can share their "
            "mistakes. Compare trials with trials and averages with averages.",
        )
    )
    columns = ["latents", "aligned on", "folds", "R²", "95 % interval", "null", "p"]
    every = [
        [
            name,
            f"{row['n']} {on}",
            f"{row['first']} and {row['second']}" if row["first"] != row["second"]
            else f"{row['first']}",
            f"{row['score']:.3f}",
            f"{row['low']:.3f} to {row['high']:.3f}",
            f"{row['shuffled']:.3f}",
            f"{row['p']:.2g}",
        ]
        for name, on, _, found in groups
        for _, row in found.iterrows()
    ]  # fmt: skip
    section.more_tables.append(Table(columns, every, 2, "Every pair"))
    return section


def _groups(a: StoredAnswer) -> list[tuple[str, str, str, pd.DataFrame]]:
    """Name, what was aligned, how many of it, and the pairs."""
    name = (
        f"{a['first']}, fold beside fold"
        if a["compared"] == "folds"
        else f"{a['first']} beside {a['second']}"
    )
    found = []
    for on, rows in a.table("pairs").groupby("on", sort=False):
        sizes = np.unique(rows["n"])
        n = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        found.append((name, WHAT[str(on)], n, rows))
    return found
