"""The page of a run: its parts put together."""

from pathlib import Path
from typing import Any

from spikecast.core.schema import to_yaml
from spikecast.parallel.executors import Call, open_executor, run_jobs
from spikecast.report.questions import trajectories_3d
from spikecast.report.questions.catalog import IN_VERDICT, make_headlines, make_sections
from spikecast.report.run.figures import TARGET_FIGURES
from spikecast.report.run.limits import list_limits
from spikecast.report.run.protocol import describe_protocol, describe_task
from spikecast.report.run.ranking import make_ranking, select_first_split, summarize_run
from spikecast.report.run.recording import make_recording_figure
from spikecast.report.run.scores import make_score_table
from spikecast.report.run.target_figure import name_trial
from spikecast.report.run.verdict import describe_verdict
from spikecast.report.shared.formatting import join_names
from spikecast.report.shared.pages import draw_figure, draw_section, write_page
from spikecast.runs import audit
from spikecast.runs.reader import Run, Target, open_run
from spikecast.scoring.metric_table import METRICS


def build(folder: str | Path, workers: int | None = None) -> Path:
    """Write ``report.html`` and ``figures/*.svg`` of a finished run; return the page's path.

    Many targets are drawn by `workers` processes; by default by one per core.
    """
    run = open_run(folder)
    several = len(run.targets) > 1
    verdict = summarize_run(run) if run.targets else []
    targets = _describe_targets(run, workers)
    sections = make_sections(run.answers)
    turnable = any(section.turnables for section in sections)
    return write_page(
        run.layout.report,
        "page.html",
        title=_make_title(run),
        run=run,
        data=run.manifest["data"],
        taken=[str(notice) for notice in run.taken if notice.severity == "minor"],
        recording_notices=[
            *(str(notice) for notice in run.taken if notice.severity != "minor"),
            *(str(notice) for notice in run.recording_notices),
        ],
        verdict=verdict + make_headlines(run.answers, IN_VERDICT),
        limits=list_limits(run),
        audit=audit.audit(run.folder),
        protocol=describe_protocol(run) if run.targets else (),
        sections=[draw_section(run.folder, section) for section in sections],
        script=trajectories_3d.load_script() if turnable else "",
        recording=draw_figure(run.folder, make_recording_figure(run)),
        ranking=draw_figure(run.folder, make_ranking(run)) if several else None,
        targets=targets,
        counts=bool(run.targets) and METRICS[run.metric].kind == "counts",
        config=to_yaml(run.config),
        versions=run.manifest["versions"],
        command=run.manifest["command"],
    )


def _make_title(run: Run) -> str:
    if not run.targets:
        asked = run.config.analysis
        if asked.explain is not None and not asked.labels:
            return f"What explains {join_names(asked.explain.targets, last=' and ')}?"
        labels = join_names(asked.labels, last=" and ")
        return f"Can {labels or 'more'} be read from the activity?"
    first, n_targets = run.targets[0], len(select_first_split(run))
    if first.brought:
        return f"What do these predictions of {first.name} tell?"
    what = first.name if n_targets == 1 else f"{n_targets} areas"
    source = first.problem.attrs["source"]
    sources = {"rest": "the rest of the recording", "all": "all neurons"}
    return f"Can {what} be predicted from {sources.get(source, source)}?"


def _describe_targets(run: Run, workers: int | None) -> list[dict[str, Any]]:
    """Return what the page shows of each target, in their order."""
    jobs: dict[str, Call] = {
        target.name: (_describe_target, (run, target)) for target in run.targets
    }
    with open_executor(len(jobs), workers) as executor:
        described = {job.name: job.result() for job in run_jobs(jobs, executor)}
    return [described[name] for name in jobs]


def _describe_target(run: Run, target: Target) -> dict[str, Any]:
    """Return everything the page shows of one target; in any process."""
    stem = target.layout.folder.name
    figures = {
        name: draw_figure(run.folder, figure.make_drawing(target, f"{stem}-{name}"))
        for name, figure in TARGET_FIGURES.items()
        if figure.applies(target)
    }
    table = make_score_table(target)
    best = table.rows[target.summary["model"].tolist().index(target.best["model"])]
    return {
        "name": target.name,
        "task": describe_task(target),
        "unit": f"{name_trial(target)}s",
        "best": f"{best[0]} {best[1]} ({best[2]})",
        "verdict": describe_verdict(target.verdict),
        "warnings": [str(notice) for notice in target.notices],
        "table": table,
        "scores": figures.pop("scores"),
        "figures": [(TARGET_FIGURES[name].heading, figure) for name, figure in figures.items()],
    }
