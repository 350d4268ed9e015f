"""Put sentences, tables and figures into one self-contained HTML file."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from spikecast.models.catalog import is_null
from spikecast.report.questions import trajectories_3d
from spikecast.report.questions.catalog import IN_VERDICT, make_headlines, make_sections
from spikecast.report.run import figures, overview, text
from spikecast.report.run.limits import list_limits
from spikecast.report.shared.pages import PageFigure, draw_figure, write_page
from spikecast.report.shared.section import Drawing, Section
from spikecast.runs import audit
from spikecast.runs import config as configs
from spikecast.runs.reader import Run, Target, open_run
from spikecast.scoring.metric_table import METRICS, Metric


def build(folder: str | Path) -> Path:
    """Write ``report.html`` and ``figures/*.svg`` of a finished run.

    Parameters
    ----------
    folder : str or Path
        A run directory.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    RunError
        When the run is missing, unfinished or incomplete.
    """
    run = open_run(folder)
    targets = [_target(run, target) for target in run.targets]
    sections = make_sections(run.answers)
    return write_page(
        run.layout.report,
        "page.html",
        title=_title(run),
        run=run,
        headline=METRICS[run.metric] if run.targets else None,
        data=run.manifest["data"],
        recording_notices=[str(notice) for notice in run.recording_notices],
        verdict=[*_verdict(run), *make_headlines(run.answers, IN_VERDICT)],
        limits=list_limits(run),
        hazards=audit.audit(run.folder),
        n_rules=len(audit.RULES),
        protocol=text.protocol(run) if run.targets else (),
        answers=[_section(run, section) for section in sections],
        script=trajectories_3d.load_script()
        if any(section.turnables for section in sections)
        else "",
        recording=_draw(run, "recording", overview.recording, run),
        ranking=_draw(run, "ranking", overview.ranking, run) if len(run.targets) > 1 else None,
        targets=targets,
        other_metrics=[metric.label for metric in _other_metrics(run)] if targets else (),
        headings=text.HEADINGS,
        config=configs.write(run.config),
        versions=run.manifest["versions"],
        command=run.manifest["command"],
    )


def _title(run: Run) -> str:
    if not run.targets:
        return f"Can {_together(run.config.analysis.labels) or 'more'} be read from the activity?"
    names = [target.name for target in run.targets]
    what = names[0] if len(names) == 1 else f"{len(names)} areas"
    source = run.targets[0].problem.attrs["source"]
    whom = {"rest": "the rest of the recording", "all": "all neurons"}.get(source, source)
    return f"Can {what} be predicted from {whom}?"


def _together(names: list[str]) -> str:
    return " and ".join(", ".join(names).rsplit(", ", 1))


def _section(run: Run, section: Section) -> dict[str, object]:
    """A question's part of the page, its figures drawn."""
    return vars(section) | {
        "figures": [draw_figure(run.folder, drawing) for drawing in section.figures],
        "turnables": [(one.draw(one.subject, one.name), one.caption) for one in section.turnables],
    }


def _verdict(run: Run) -> list[str]:
    if not run.targets:
        return []
    if len(run.targets) == 1:
        return run.verdicts[run.targets[0].name]["verdict"]
    best, worst = run.targets[0], run.targets[-1]
    metric = run.metric
    beyond = sum(float(target.summary["low"].iloc[0]) > 0 for target in run.targets)
    said = [
        f"{beyond} of {len(run.targets)} targets can be predicted; best {best.name} "
        f"({best.summary[metric].iloc[0]:.2f}), least {worst.name} "
        f"({worst.summary[metric].iloc[0]:.2f})."
    ]
    pairs = [(t, t.summary.set_index("model")[metric]) for t in run.targets]
    compared = [
        values[t.shown_model] - values[t.shown_baseline] for t, values in pairs if t.shown_baseline
    ]
    if compared:
        said.append(
            f"{best.shown_model} scores above {best.shown_baseline} on "
            f"{sum(difference > 0 for difference in compared)} of {len(compared)} targets, by "
            f"{sum(compared) / len(compared):.3f} on average."
        )
    return said


def _target(run: Run, target: Target) -> dict[str, object]:
    """Everything the page shows of one target."""
    shown = {
        name: _draw(run, name, draw, target)
        for name, draw in figures.OF_TARGET.items()
        if figures.applies(name, target)
    }
    return {
        "name": target.name,
        "what": text.what_predicts(target),
        "unit": "windows" if target.problem.attrs["windows"] else "trials",
        "verdict": run.verdicts[target.name]["verdict"],
        "warnings": run.verdicts[target.name]["warnings"],
        "specific": text.trial_specific(target) if METRICS[run.metric].kind == "counts" else None,
        "table": _table(target),
        "figures": shown,
    }


def _table(target: Target) -> list[dict[str, object]]:
    """Rows of the score table, best model first."""
    metric = target.run.metric
    every = target.run.scores.query("target == @target.name and fold == 'all'")
    leader = str(target.summary["model"].iloc[0])
    to_leader = {entry["minus"]: entry for entry in target.run.verdicts[target.name]["differences"]}
    others = _other_metrics(target.run)
    rows = []
    for _, row in target.summary.iterrows():
        name = str(row["model"])
        mine = every.query("model == @name")

        def value(metric: str, null: str, how: str, mine: pd.DataFrame = mine) -> str:
            found = mine.query("metric == @metric and null == @null and aggregate == @how")["value"]
            return f"{found.iloc[0]:.3f}" if len(found) else "–"

        behind = to_leader.get(name)
        rows.append(
            {
                "model": name,
                "null": is_null(name),
                "score": f"{row[metric]:.3f}",
                "interval": "the null"
                if name == "mean_rate"
                else (f"{row['low']:.3f} to {row['high']:.3f}"),
                "psth": value(metric, "psth", "pooled"),
                "per_neuron": value(metric, "train_mean", "per_neuron"),
                "others": [value(other.name, other.null, other.aggregate) for other in others],
                "behind": "best"
                if name == leader
                else (
                    f"{behind['value']:.3f} ({behind['low']:.3f} to {behind['high']:.3f})"
                    if behind
                    else "–"
                ),
                "seconds": f"{mine['fit_seconds'].iloc[0] / target.n_folds:.2f}",
            }
        )
    return rows


def _other_metrics(run: Run) -> list[Metric]:
    """Metrics beside the headline that have a column in the score table."""
    kind = METRICS[run.metric].kind
    return [metric for metric in METRICS.values() if metric.kind == kind and metric.in_page]


def _draw(run: Run, name: str, draw: Callable[..., Figure], subject: Run | Target) -> PageFigure:
    stem = f"{subject.layout.folder.name}-{name}" if isinstance(subject, Target) else name
    return draw_figure(run.folder, Drawing(stem, draw, subject, text.caption(name, subject)))
