"""The page of a sweep: did tuning pay, which score may be quoted, what the search looked at."""

from pathlib import Path
from typing import Any

from spikecast.core.schema import to_yaml
from spikecast.core.stored import read_text
from spikecast.report.shared.formatting import MISSING, format_duration, format_estimate
from spikecast.report.shared.pages import draw_figure, write_page
from spikecast.report.shared.section import Drawing, Table
from spikecast.report.sweep import figures, text
from spikecast.report.sweep.reading import SweepRun, SweptModel
from spikecast.runs import audit
from spikecast.runs.sweep.plan import TUNED
from spikecast.scoring.metric_table import METRICS


def build(folder: str | Path) -> Path:
    """Write ``report.html`` and ``figures/*.svg`` of a finished sweep; else RunError."""
    run = SweepRun(Path(folder))
    return write_page(
        run.layout.report,
        "sweep.html",
        title=text.title(run),
        run=run,
        data=run.manifest["data"],
        headlines=text.headlines(run.facts),
        notes=text.format_notices(run.facts["notices"]),
        audit=audit.audit(run.folder),
        limits=text.limits(run),
        scores=_score_table(run),
        models=[_model_section(model) for model in run.models],
        protocol=text.protocol(run),
        best=read_text(run.layout.best),
        written=to_yaml(run.config),
    )


def _score_table(run: SweepRun) -> Table:
    """Return tuned, default and null beside each other, on the same held-out trials."""
    metric = run.facts["metric"]
    beyond = [f"{metric}_vs_psth", "low_vs_psth", "high_vs_psth"]
    psth = beyond[0] in run.summary
    columns = ["model", "settings", f"{METRICS[metric].label}<br>held out (95 %)"]
    columns += ["above the PSTH<br>(95 %)"] if psth else []
    columns += ["gain over defaults<br>(paired 95 %)", "selected<br>(do not quote)"]
    tuned = {model["label"] + TUNED: model for model in run.models}
    defaults = [model["label"] for model in run.models]
    rows = []
    for _, row in run.summary.iterrows():
        name = str(row["model"])
        model = tuned.get(name)
        rows.append(
            [
                model["label"] if model else name,
                "tuned in each fold" if model else "defaults" if name in defaults else "null",
                format_estimate(*row[[metric, "low", "high"]]),
                *([format_estimate(*row[beyond])] if psth else []),
                format_estimate(**model["gain"]) if model else MISSING,
                f"{model['selected']:.3f}" if model else MISSING,
            ]
        )
    return Table(columns, rows, 2, css="plain compact")


def _model_section(model: SweptModel) -> dict[str, Any]:
    """Return everything the page shows of one model."""
    label, ended = model["label"], model.trials["state"].value_counts()
    names = [name for name in text.CAPTIONS if name != "importance" or model["importance"]]
    drawings = {
        name: Drawing(f"{label}-{name}", getattr(figures, name), model, text.caption(name, model))
        for name in names
    }
    return {
        "label": label,
        "figures": {
            name: draw_figure(model.run.folder, drawing) for name, drawing in drawings.items()
        },
        "settings": _settings_table(model),
        "warnings": text.format_notices(model["notices"]),
        "ended": ", ".join(f"{number} {state}" for state, number in ended.items()),
        "took": format_duration(model.trials["seconds"].sum()),
    }  # fmt: skip


def _settings_table(model: SweptModel) -> Table:
    """Return what was searched, the default, and what each search chose."""
    chosen = [model["own"], *(fold["best"] for fold in model["folds"]), model["best"]]
    rows = [
        [name, text.describe_range(space), *(text.format_setting(one[name]) for one in chosen)]
        for name, space in model["space"].items()
    ]
    folds = [f"fold {fold['fold']}" for fold in model["folds"]]
    return Table(["setting", "searched", "default", *folds, model.run.layout.best.name], rows, 2)
