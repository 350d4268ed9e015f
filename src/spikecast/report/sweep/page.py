"""The page of a sweep: did tuning pay, which score may be quoted, what the search looked at."""

import json
from pathlib import Path
from typing import Any

from spikecast.report.run.text import METRICS
from spikecast.report.shared.pages import draw_figure, write_page
from spikecast.report.shared.section import Drawing, Table
from spikecast.report.sweep import figures as sweep_figures
from spikecast.report.sweep.reading import SweepRun, SweptModel
from spikecast.runs import audit
from spikecast.runs import config as configs

FEW = 30
"""Finished tries below which importance is mostly chance."""


def read(folder: str | Path) -> dict[str, Any]:
    """Return what a finished sweep says; raise RunError where there is none."""
    return SweepRun(Path(folder)).facts


def build(folder: str | Path) -> Path:
    """Write ``report.html`` and ``figures/*.svg`` of a finished sweep.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    RunError
        When the sweep is missing or unfinished.
    """
    run = SweepRun(Path(folder))
    labels = [model["label"] for model in run.models]
    return write_page(
        run.folder / "report.html",
        "sweep.html",
        title=f"Does tuning {' and '.join(labels)} pay on {run.facts['target']}?",
        run=run,
        facts=run.facts,
        data=run.manifest["data"],
        hazards=audit.audit(run.folder),
        n_rules=len(audit.RULES),
        limits=_limits(run),
        scores=_scores(run),
        models=[_model(model) for model in run.models],
        protocol=_protocol(run),
        best=(run.folder / "best.yaml").read_text(encoding="utf-8"),
        written=configs.write(run.config),
    )


def _limits(run: SweepRun) -> list[str]:
    """What a tired reader would otherwise conclude."""
    data = run.manifest["data"]
    said = [
        "A selected score is not a result. Every search finds something that did well on the "
        "trials it looked at; only the nested score is of trials that played no part in choosing.",
        "best.yaml was chosen on all trials. Its score on this recording would be a selected one: "
        "for a number to publish take the nested score, or run best.yaml on another recording.",
        "The nested score is of the procedure (search, then fit), not of the settings in "
        "best.yaml: the outer folds' winners differ from them and from each other.",
        "Intervals say how much a score depends on which trials were scored. They hold the fits "
        "fixed: another seed would choose other settings, and scores would move a little.",
        f"This is one recording ({data['n_trials']} trials): what pays here need not pay "
        "elsewhere.",
    ]
    if len(run.models) > 1:
        said.append(
            "The best of several tuned models is again a choice, made on the scores shown here: "
            "their order is less certain than each score."
        )
    return said


def _scores(run: SweepRun) -> Table:
    """Tuned, default and null beside each other, on the same held-out trials."""
    metric = run.facts["metric"]
    psth = f"{metric}_vs_psth" in run.summary
    columns = ["model", "settings", f"{sweep_figures.SCORE[metric]}<br>held out", "95 % interval"]
    columns += ["above the PSTH<br>(95 % interval)"] if psth else []
    columns += ["gain over defaults<br>(paired interval)", "selected score<br>(do not quote)"]
    tuned = {model["label"] + "_tuned": model for model in run.models}
    defaults = [model["label"] for model in run.models]
    rows = []
    for _, row in run.summary.iterrows():
        name = str(row["model"])
        model = tuned.get(name)
        gain = model["gain"] if model else None
        rows.append(
            [
                model["label"] if model else name,
                "tuned in each fold" if model else "defaults" if name in defaults else "null",
                f"{row[metric]:.3f}",
                f"{row['low']:.3f} to {row['high']:.3f}",
                *([_between(row, f"{metric}_vs_psth", "_vs_psth")] if psth else []),
                _between(gain, "value") if gain else "–",
                f"{model['selected']:.3f}" if model else "–",
            ]
        )
    return Table(columns, rows, 2)


def _between(limits: Any, value: str, suffix: str = "") -> str:
    low, high = limits[f"low{suffix}"], limits[f"high{suffix}"]
    return f"{limits[value]:.3f} ({low:.3f} to {high:.3f})"


def _model(model: SweptModel) -> dict[str, Any]:
    """Everything the page shows of one model."""
    folder, label = model.run.folder, model["label"]
    ended = model.trials["state"].value_counts()
    finished = int((model.trials.query("fold == 'all'")["state"] == "complete").sum())
    kept = {
        "history": "Every dot is one try, scored on all inner folds; triangles are below the "
        "panel. Ticks at the bottom were stopped early, being below the median of the tries before "
        "them; crosses failed. Orange: the best so far. The first try has the config's own "
        "settings, the first ten of a study are drawn at random. The best so far can only rise: "
        "that it rises is no sign that anything was learnt.",
        "nested": "Left: in each outer fold the winner's score on the inner folds that chose it "
        "(hollow), and on the fold's held-out trials the model with its defaults (square) and as "
        "tuned (dot). Winners are fitted to more trials than in the search, and folds differ in "
        "difficulty, so that hollow and filled differ for other reasons too; compare square and "
        "dot. Right: pooled, with 95 % intervals over trials; whether they differ is in the table, "
        "for the paired interval is the narrower one.",
        "slices": "The study over all recorded trials; every dot is one try, scored on all inner "
        "folds. Dotted: the default; orange: the best. Tries differ in all settings at once: a "
        "trend here may be another setting's, and the sampler looks more often where it found "
        "something good.",
        "importance": f"From {finished} tries of the study over all recorded trials (fANOVA). "
        + (
            f"With fewer than {FEW} the order is mostly chance. "
            if finished < FEW
            else "It is uncertain even with many tries. "
        )
        + "It says what made a difference within the range searched, bad values included, not what "
        "would be gained.",
    }
    if not model["importance"]:
        kept.pop("importance")
    return {
        "label": label,
        "figures": {
            name: draw_figure(
                folder, Drawing(f"{label}-{name}", getattr(sweep_figures, name), model, caption)
            )
            for name, caption in kept.items()
        },
        "settings": _settings(model),
        "warnings": model["warnings"],
        "ended": ", ".join(f"{number} {state}" for state, number in ended.items()),
        "took": _duration(model.trials["seconds"].sum()),
    }


def _duration(seconds: float) -> str:
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _settings(model: SweptModel) -> Table:
    """What was searched, the default, and what each study chose."""
    folds = model["folds"]
    rows = [
        [
            name,
            where if len(where) < 60 else f"{where.count('], [') + 1} lists",
            _short(model["own"][name]),
            *(_short(fold["best"][name]) for fold in folds),
            _short(model["best"][name]),
        ]
        for name, where in model["space"].items()
    ]
    chosen = [f"fold {fold['fold']}" for fold in folds]
    return Table(["setting", "searched", "default", *chosen, "best.yaml"], rows, 2)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value).replace(".0", "")


def _protocol(run: SweepRun) -> list[str]:
    """How the numbers came about, as short paragraphs."""
    inner, folds = run.search.inner_folds, run.evaluation.folds
    return [
        f"Nested cross-validation: trials were cut into {folds} outer folds (split by "
        f"{run.evaluation.split}). For each, a study searched on its training trials only, cut "
        f"again into {inner} inner folds; the winner was fitted to all training trials and scored "
        "once on the test trials, beside the same model with the config's settings and the nulls.",
        f"Each study tried up to {run.search.trials} settings by the tree-structured Parzen "
        "estimator of Optuna; settings below the median after an inner fold were not fitted on "
        "the others. The score of a try is the mean over inner folds, against the mean of the "
        "inner training part.",
        METRICS[run.facts["metric"]],
        f"Intervals are 95 % bootstrap intervals over trials ({run.evaluation.bootstrap} "
        "resamples); the gain over the defaults is paired.",
    ]
