"""What the page says of the questions: tables, sentences, and what each figure does not show."""

from spikecast.core.notices import Notice
from spikecast.models.classifiers import CLASSIFIERS
from spikecast.report.questions import answer_figures as figures
from spikecast.report.questions.answer_figures import named
from spikecast.report.questions.answers_pairs import align, joint, subspace
from spikecast.report.questions.answers_tuning import tuning
from spikecast.report.questions.turning import draw_paths
from spikecast.report.shared.formatting import (
    by,
    file_name,
    left_out,
    listed,
    milliseconds,
    null_of,
    p_value,
)
from spikecast.report.shared.section import Drawing, Section, Table, Turnable
from spikecast.runs.reader import Run, StoredAnswer
from spikecast.scoring.metric_table import METRICS

CELL_TYPES = (
    "Areas are split by the width of the spike, trough to peak: narrow (below 0.4 ms; putative "
    "inhibitory cells) and wide (putative excitatory ones). That holds in cortex and hippocampus; "
    "elsewhere narrow does not mean inhibitory. The two groups differ in number and rate, so they "
    "do not compare fairly."
)

COMBINED = {
    "mean": "Features of a trial are averaged over its bins.",
    "concatenate": "The bins of a trial are laid side by side.",
    "vote": "Every bin is decoded, and a trial goes to the class with most of its bins.",
}
BALANCED = {
    "weights": "Classes weigh the same in learning.",
    "subsample": "Trials of larger classes are left out of learning, at random over the session.",
    "none": "Classes weigh as they are, so a frequent one is guessed more often.",
}


def sections(run: Run) -> list[Section]:
    """Everything the page shows of a run's answers, question by question."""
    kinds = {
        "decode": _decoding,
        "time": _over_time,
        "generalization": _generalization,
        "flow": _flow,
        "joint": joint,
        "subspace": subspace,
        "dimensions": _dimensions,
        "embed": _embedding,
        "trajectories": _trajectories,
        "tuning": tuning,
        "align": align,
    }
    found = []
    for kind, make in kinds.items():
        answers = [answer for answer in run.answers if answer.kind == kind]
        if answers:
            section = make(answers)
            if any(answer["asked"].get("cell_types") for answer in answers):
                section.sentences.append(CELL_TYPES)
            section.warnings = list(dict.fromkeys(map(str, _notices(answers))))
            found.append(section)
    return found


def _notices(answers: list[StoredAnswer]) -> list[Notice]:
    return [Notice.from_json(notice) for answer in answers for notice in answer["notices"]]


# ------------------------------------------------------------------------------------ decoding


def _decoding(answers: list[StoredAnswer]) -> Section:
    section = Section("Which labels can be decoded")
    first = answers[0]
    features = [a["features"] for a in answers if a["source"] == "behavior"]
    section.sentences.append(
        f"The trials were cut into {first['folds']} parts; each was decoded once, by decoders "
        f"({listed(a['decoder'] for a in answers)}) that had learnt from the others, scale, "
        f"components and settings included. {' '.join(dict.fromkeys(map(_how, answers)))} Chance "
        f"is measured: everything is repeated with {first['permutations']} draws of the labels "
        f"({null_of(answers)}), and p is the share of them that does as well, so "
        f"never below {1 / (1 + first['permutations']):.3f}. p is not corrected for the number of "
        "rows. Intervals (95 %) resample trials within classes and keep the decoders."
    )
    if features:
        section.sentences.append(
            f"Decoded without neurons, for comparison, from {listed(features)}: neurons that do no "
            "better may just follow what the animal sees and does."
        )
    latents = [a for a in answers if a["source"] == "latents"]
    if latents:
        spent = sum(a["seconds"] for a in latents)
        section.sentences.append(
            "Latents come from a model fitted anew in every decoding fold, without the trials that "
            f"are decoded: {sum(a['folds'] for a in latents)} fits and their decoding took "
            f"{spent:.0f} s."
        )
    section.tables.append(_scores(answers))
    for of in by(answers, "metric"):
        metric = of[0]["metric"]
        section.figures.append(
            Drawing(
                f"decoding-{metric}",
                figures.decoding,
                of,
                f"The {METRICS[metric].label} on held-out trials with its 95 % interval (hollow: "
                "p > 0.05), beside what 95 % of the null's labels reach (grey; line: their mean, "
                "which is chance). It does not show that the brain "
                "uses the label, nor (unless behaviour alone does worse) that neurons know more "
                "than behaviour does.",
            )
        )
    for of in by(answers, "label"):
        label = of[0]["label"]
        shown = [answer for answer in of if len(answer.table("confusion"))]
        if not shown:
            continue
        section.figures.append(
            Drawing(
                f"confusion-{file_name(label)}",
                figures.confusion,
                shown,
                f"Of the trials of each true class of '{label}' (rows), the share decoded as each "
                "class (columns); a row adds up to 100 %. It does not show how sure a decoder was, "
                "and with equal weights a rare class is guessed as often as a frequent one.",
            )
        )
        for answer in shown:
            title = f"'{label}' from {named(answer)}: class by class, train beside test"
            section.more_tables.append(_per_class(answer, title))
    return section


def _how(answer: StoredAnswer) -> str:
    if CLASSIFIERS[answer["decoder"]].reads_trials:
        return f"{answer['decoder']} reads a trial's bins in their order; classes weigh the same."
    return f"{COMBINED[answer['combine']]} {BALANCED[answer['balance']]}"


def _scores(answers: list[StoredAnswer]) -> Table:
    columns = ["label", "from", "score", "95 % interval", "chance", "p", "on training<br>trials",
               "trials"]  # fmt: skip
    return Table(
        columns,
        [
            [
                a["label"],
                named(a)
                + ("" if METRICS[a["metric"]].is_share else f" ({METRICS[a['metric']].label})"),
                f"{a['score']:.3f}",
                f"{a['low']:.3f} to {a['high']:.3f}",
                f"{a['chance']:.3f}",
                p_value(a),
                f"{a['train']:.3f}",
                str(a["n_trials"]) + (f" ({a['n_left_out']} left out)" if a["n_left_out"] else ""),
            ]
            for a in answers
        ],
        n_words=2,
    )


def _per_class(answer: StoredAnswer, title: str) -> Table:
    table = answer.table("per_class")
    names = [(part, name) for name in ("precision", "recall", "f1") for part in ("train", "test")]
    columns = ["class", *(f"{name.replace('f1', 'F1')}<br>{part}" for part, name in names),
               "trials"]  # fmt: skip
    rows = [
        [
            str(row["class"]),
            *(f"{row[f'{name}_{part}']:.2f}" for part, name in names),
            str(int(row["support_test"])),
        ]
        for _, row in table.iterrows()
    ]
    return Table(columns, rows, title=title)


# ------------------------------------------------------------------------------------ over time


def _over_time(answers: list[StoredAnswer]) -> Section:
    section = Section("From when")
    first = answers[0]
    section.sentences.append(
        "One linear decoder per bin, held out; a bin's features end with that bin, so nothing of "
        "its future is in them"
        + (" (except where it says ACAUSAL)" if any(a["acausal"] for a in answers) else "")
        + ". A stretch is significant where a cluster of bins above chance is larger than in 95 % "
        f"of {first['permutations']} draws of the labels ({null_of(answers)}), corrected over all "
        f"bins of an area. The first of {1000 * first['min_duration']:g} ms or longer begins at "
        "the onset, whose 95 % interval comes from resampled trials."
    )
    for answer in answers:
        where = f"{file_name(answer['label'])}-{file_name(answer['features'])}"
        flawed = (
            " ACAUSAL: the features at a bin know later bins, so these are not onsets."
            if answer["acausal"]
            else ""
        )
        section.figures.append(
            Drawing(
                f"time-{where}",
                figures.over_time,
                answer,
                f"How well '{answer['label']}' is decoded in each bin (band: 95 % interval; bars "
                f"below: significant stretches), and from when on.{_null_knows(answer)}{flawed} "
                "It does not show when "
                "an area first gets the information: weak or slowly growing signals are found "
                "late, larger populations earlier, so areas of unlike size do not compare fairly. "
                "An interval that leaves the frame may end after the last bin.",
            )
        )
        differences = answer.table("differences")
        known = differences.dropna(subset=["difference"])
        if len(known):
            rows = [
                [str(row["first"]), str(row["second"]), milliseconds(row["difference"]),
                 f"{milliseconds(row['low'])} to {milliseconds(row['high'])}"]
                for _, row in known.iterrows()
            ]  # fmt: skip
            columns = ["first area", "second area", "second is later by (ms)", "95 % interval"]
            title = f"'{answer['label']}' from {answer['source']}: differences between onsets"
            place = section.tables if len(known) <= 6 else section.more_tables
            place.append(Table(columns, rows, 2, title))
    return section


def _null_knows(answer: StoredAnswer) -> str:
    """What the dashed line means where labels are shuffled within strata."""
    strata = answer.facts.get("strata")
    if not strata:
        return ""
    return (
        f" The dashed line is what labels shuffled among trials of equal {' and '.join(strata)} "
        "reach, so it rises with what these tell; above it, more is known."
    )


def _generalization(answers: list[StoredAnswer]) -> Section:
    section = Section("Does the code change over the trial")
    section.figures += [
        Drawing(
            f"generalization-{file_name(of[0]['label'])}",
            figures.generalization,
            of,
            "Balanced accuracy of decoders trained at one time and tested at every other, on "
            "held-out trials (outlined: significant, corrected over the whole matrix; white: "
            "chance): a square is a code that stays, a diagonal one that moves on. It does not "
            "show when information arrives (see the onsets): windows overlap, and a decoder that "
            "learnt a weak early signal reads a strong later one, so it may work later though "
            "trained before the onset.",
        )
        for of in by(answers, "label")
    ]
    return section


# ------------------------------------------------------------------------------------ between areas


def _flow(answers: list[StoredAnswer]) -> Section:
    section = Section("Does one area lead another")
    for a in answers:
        value, low, high = a["asymmetry"]
        lead = f"{a['leader']} leads" if a["leader"] else "no lead was found"
        section.sentences.append(
            f"{a['source']} and {a['target']}: {lead}. Asymmetry {value:.4f} bits/spike "
            f"(95 % interval {low:.4f} to {high:.4f}; above 0: {a['source']} first), from "
            f"{a['n_neurons']} neurons of each area and {a['n_trials']} trials."
        )
        section.figures.append(
            Drawing(
                f"flow-{file_name(a['source'])}-{file_name(a['target'])}",
                figures.flow,
                a,
                "Left: what one area's past adds to predicting the other beyond that area's own "
                "past (dotted: the source's trials shuffled within condition, which leaves what "
                "the stimulus does); negative lags are the same with time reversed, and a lead is "
                "what is larger on the right than on the left. Middle: that asymmetry through the "
                f"trial (below 0: {a['target']} leads). Right: overall, corrected by reversed time "
                "and as it is (biased). It does not show causation: a third area that reaches one "
                "of the two earlier looks the same.",
            )
        )
    return section


# ------------------------------------------------------------------------------------ geometry


def _dimensions(answers: list[StoredAnswer]) -> Section:
    section = Section("How many dimensions")
    columns = ["neurons of", "n", "reliable shared<br>dimensions", "participation ratio<br>shared",
               "participation ratio<br>noise included"]  # fmt: skip
    rows = [
        [a["area"] or "all areas", str(a["n_neurons"]), str(a["n_reliable"]),
         f"{a['shared_participation_ratio']:.1f}", f"{a['participation_ratio']:.1f}"]
        for a in answers
    ]  # fmt: skip
    section.tables.append(Table(columns, rows))
    width = 1000 * answers[0]["bin_size"]
    section.figures.append(
        Drawing(
            "dimensions",
            figures.dimensions,
            answers,
            f"Left: variance of single bins of {width:g} ms that principal components explain, on "
            "the trials they were learnt from (dashed) and on held-out trials. Right: how much of "
            "each shared component's variance the other half of the neurons confirms on held-out "
            "time (dots: p ≤ 0.05). It does not show a dimensionality of the area: both grow with "
            "neurons, trials and smoothing, so areas of unlike size are not compared, and the left "
            "curves hold the noise of the very neurons that are projected.",
        )
    )
    return section


def _embedding(answers: list[StoredAnswer]) -> Section:
    section = Section("Maps of the trials")
    for of in by(answers, "label"):
        label = of[0]["label"]
        scored = "; ".join(_map_score(answer) for answer in of)
        section.figures.append(
            Drawing(
                f"embed-{file_name(label)}",
                figures.embedding,
                of,
                f"Each point is a trial, placed by its whole course; dots were held out from the "
                f"map, crosses made it. Nearest neighbours on held-out trials (balanced accuracy "
                f"for '{label}'): {scored}. It does not show how far apart classes are: distances "
                "and sizes of clusters mean nothing in t-SNE and little in UMAP, and a supervised "
                "map pulls its own crosses apart whatever the data. Where dots lie apart "
                "from crosses (in the middle, at the rim), the map has fitted noise."
                + left_out(of[0]["n_left_out"], label),
            )
        )
    return section


def _map_score(answer: StoredAnswer) -> str:
    name = f"{answer['method']}{', supervised' if answer['supervised'] else ''}"
    scores = answer.table("scores").set_index("score")
    if "knn_accuracy" not in scores.index:
        return f"{name} none (it cannot place new points)"
    mine, without = scores.loc["knn_accuracy"], scores.loc["knn_accuracy_without"]
    return (
        f"{name} {mine['value']:.2f} (chance {mine['chance']:.2f}, p = {mine['p']:.2g}; without "
        f"the map {without['value']:.2f})"
    )


def _trajectories(answers: list[StoredAnswer]) -> Section:
    section = Section("Paths by condition")
    for a in answers:
        what = (
            f"latents of {a['model']} on the held-out trials of fold 0"
            if a["source"] == "latents"
            else f"counts of {a['area'] or 'all neurons'} (mean of the last "
            f"{1000 * a['window']:g} ms)"
        )
        name = f"paths-{file_name(a['label'])}-{a['source']}"
        section.figures.append(
            Drawing(
                name,
                figures.paths,
                a,
                f"Average path (thick) and some single trials (thin) of each '{a['label']}' "
                f"through the two dimensions in which the averages of {what} differ most, and the "
                "first of them over time. It does not show that conditions can be told apart on "
                "single trials (thin lines may leave the frame): the dimensions were chosen to "
                "look apart, on these same trials; the decoding table says what holds on new ones."
                + left_out(a["n_left_out"], a["label"]),
            )
        )
        if len(a["explained"]) == 3:
            section.turnables.append(
                Turnable(
                    f"{name}-turned",
                    draw_paths,
                    a,
                    "The same through three dimensions: drag to turn (● start, ◆ event, ■ end; "
                    "each axis has its own scale). It does not show more than the flat figure "
                    "where the third dimension has little variance, and from some angle any two "
                    "paths look apart.",
                )
            )
    return section
