"""Put sentences, tables and figures into one self-contained HTML file."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd
from jinja2 import DictLoader, Environment
from matplotlib import rc_context
from matplotlib.figure import Figure

from spikecast import audit
from spikecast import config as configs
from spikecast.evaluation.verdict import NULL_MODELS
from spikecast.files import atomic, write_text
from spikecast.report import answers, figures, headlines, overview, text, turning
from spikecast.report.reading import Run, Target
from spikecast.report.section import Section

RASTER_DPI = 150
PAGES = ("page", "parts", "answers", "audit", "study", "sweep", "atlas")


@dataclass(frozen=True)
class Shown:
    """A figure on the page."""

    name: str
    source: str
    caption: str
    alt: str


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
    run = Run(Path(folder))
    template = templates().get_template("page.html")
    targets = [_target(run, target) for target in run.targets]
    sections = answers.sections(run)
    page = template.render(
        title=_title(run),
        run=run,
        data=run.manifest["data"],
        verdict=[*_verdict(run), *headlines.headlines(run)],
        limits=[*(text.limits(run) if run.targets else ()), *headlines.limits_of(run)],
        hazards=audit.audit(run.folder),
        n_rules=len(audit.RULES),
        protocol=text.protocol(run) if run.targets else (),
        answers=[_section(run, section) for section in sections],
        script=turning.script() if any(section.turns for section in sections) else "",
        recording=_show(run, "recording", overview.recording, run, text.caption("recording", run)),
        ranking=_show(run, "ranking", overview.ranking, run, text.caption("ranking", run))
        if len(run.targets) > 1
        else None,
        targets=targets,
        headings=text.HEADINGS,
        config=configs.write(run.config),
        versions=run.manifest["versions"],
        command=run.manifest["command"],
    )
    path = run.folder / "report.html"
    write_text(path, page)
    return path


def templates(*packages: str) -> Environment:
    """Return the page templates by name: the report's, and those of further packages."""
    pages = {
        file.name: file.read_text(encoding="utf-8")
        for package in ("spikecast.report", *packages)
        for file in files(package).iterdir()
        if file.name.endswith((".html", ".css", ".js"))
    }
    return Environment(
        loader=DictLoader(pages), autoescape=True, trim_blocks=True, lstrip_blocks=True
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
    shown = [_show(run, name, draw, of, caption) for name, draw, of, caption in section.draws]
    turned = [(name, turning.paths(of, name), caption) for name, of, caption in section.turns]
    return {**vars(section), "figures": shown, "turned": turned}


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
        name: _show(run, f"{target.folder.name}-{name}", draw, target, text.caption(name, target))
        for name, draw in figures.OF_TARGET.items()
        if figures.applies(name, target)
    }
    return {
        "name": target.name,
        "what": text.what_predicts(target),
        "unit": "windows" if target.problem.attrs["windows"] else "trials",
        "verdict": run.verdicts[target.name]["verdict"],
        "warnings": run.verdicts[target.name]["warnings"],
        "specific": text.trial_specific(target) if run.metric == "bits_per_spike" else None,
        "table": _table(target),
        "figures": shown,
    }


def _table(target: Target) -> list[dict[str, object]]:
    """Rows of the score table, best model first."""
    metric = target.run.metric
    every = target.run.scores.query("target == @target.name and fold == 'all'")
    leader = str(target.summary["model"].iloc[0])
    to_leader = {entry["minus"]: entry for entry in target.run.verdicts[target.name]["differences"]}
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
                "null": name in NULL_MODELS,
                "score": f"{row[metric]:.3f}",
                "interval": "the null"
                if name == "mean_rate"
                else (f"{row['low']:.3f} to {row['high']:.3f}"),
                "psth": value(metric, "psth", "pooled"),
                "per_neuron": value(metric, "train_mean", "per_neuron"),
                "d2": value("d2", "train_mean", "pooled"),
                "rmse": value("rmse", "", "per_neuron"),
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


def _show(run: Run, name: str, draw: Callable[..., Figure], subject: object, caption: str) -> Shown:
    return shown(run.folder, name, draw, subject, caption)


def shown(
    folder: Path, name: str, draw: Callable[..., Figure], subject: object, caption: str
) -> Shown:
    """Draw a figure, save it as SVG, and return it for the page."""
    drawn = svg(draw(subject))
    with atomic(folder / "figures" / f"{name}.svg") as temporary:
        temporary.write_bytes(drawn)
    alt = " ".join((draw.__doc__ or name).split())
    caption = caption.replace(" %", "\N{NO-BREAK SPACE}%")
    return Shown(name, inlined(drawn), caption, alt)


def svg(figure: Figure) -> bytes:
    """A figure as SVG; the same figure gives the same bytes."""
    drawn = io.BytesIO()
    with rc_context({"svg.hashsalt": "spikecast"}):
        figure.savefig(drawn, format="svg", dpi=RASTER_DPI, metadata={"Date": None})
    return drawn.getvalue()


def inlined(drawn: bytes) -> str:
    """An SVG as the address of an image, so that a page needs no other file."""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
