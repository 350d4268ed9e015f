"""Commands that fit, ask and draw: predict, decode, run, report."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import (
    Engine,
    Out,
    Overwrite,
    Quiet,
    Resume,
    Track,
    Workers,
    app,
    resumable,
    shown_progress,
    warned,
)
from spikecast.cli.studying import study
from spikecast.core.checks import suggest_name


@app.command()
def predict(
    data: Annotated[str, typer.Argument(help="File, folder, or name of a known data set.")],
    target: Annotated[str, typer.Option(help="Area to predict; several: A,B; or 'all'.")],
    session: Annotated[int | None, typer.Option(help="Which session of the file.")] = None,
    source: Annotated[str, typer.Option(help="'rest', or the areas that predict: A,B.")] = "rest",
    models: Annotated[str | None, typer.Option(help="Models, comma-separated.")] = None,
    folds: Annotated[int, typer.Option(help="Parts the trials are cut into.")] = 5,
    split: Annotated[str, typer.Option(help="trial, stratum or block.")] = "trial",
    gap: Annotated[int, typer.Option(help="Trials unused beside a test block.")] = 0,
    lag: Annotated[int, typer.Option(help="Source at bin t - LAG predicts target at t.")] = 0,
    min_rate: Annotated[float, typer.Option(help="Hz; slower targets are left out.")] = 0.5,
    label: Annotated[
        list[str] | None, typer.Option(help="Also decode this trial column: see decode.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same numbers.")] = 0,
    out: Out = None,
    workers: Workers = None,
    engine: Engine = "local",
    resume: Resume = False,
    overwrite: Overwrite = False,
    track: Track = None,
    quiet: Quiet = False,
) -> None:
    """Predict an area's activity from other areas', and write a report."""
    from spikecast.runs import config as configs

    names = target.split(",")
    content: dict = {
        "data": {"path": data, "session": session},
        "task": {
            "target": names if len(names) > 1 else target,
            "source": source.split(",") if source != "rest" else source,
            "lag": lag,
            "min_rate": min_rate,
        },
        "evaluation": {"folds": folds, "split": split, "gap": gap},
        "seed": seed,
    }
    if models is not None:
        content["models"] = models.split(",")
    config = configs.parse(content)
    if label:
        sources = ["counts", *(["latents"] if config.has_latents else []), "behavior"]
        content["analysis"] = {"decode": {"labels": label, "sources": sources}}
        config = configs.parse(content)
    _execute(config, out, workers, resume, overwrite, quiet, engine, track)


@app.command()
def decode(
    data: Annotated[
        str, typer.Argument(metavar="RUN|DATA", help="A run directory, or data as for predict.")
    ],
    label: Annotated[
        list[str], typer.Option(help="Trial column, or 'column>number'; give it again for another.")
    ],
    source: Annotated[
        str | None, typer.Option(help="counts, latents (of a RUN), behavior; default: all.")
    ] = None,
    areas: Annotated[
        str | None, typer.Option(help="Counts of each of these areas by itself: A,B.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Whose latents; default: the first.")] = None,
    decoder: Annotated[
        str, typer.Option(help="lda, logistic_l1, rbf_svm, mlp, rnn_classifier, ridge, ...")
    ] = "lda",
    combine: Annotated[
        str, typer.Option(help="Bins of a trial: mean, concatenate, or vote.")
    ] = "mean",
    balance: Annotated[
        str, typer.Option(help="Classes: weights, subsample (at random over time), or none.")
    ] = "weights",
    over_time: Annotated[
        bool, typer.Option("--over-time", help="Also date it: bin by bin by LDA (or ridge).")
    ] = False,
    session: Annotated[int | None, typer.Option(help="Which session of the DATA.")] = None,
    folds: Annotated[int, typer.Option(help="Parts the trials are cut into.")] = 5,
    null: Annotated[
        str, typer.Option(help="label_shuffle; pseudo_session for labels that come in runs.")
    ] = "label_shuffle",
    strata: Annotated[
        str | None, typer.Option(help="Ask what is known beyond these trial columns: A,B.")
    ] = None,
    permutations: Annotated[
        int, typer.Option(help="Draws of the null; over time five times as many.")
    ] = 200,
    seed: Annotated[int | None, typer.Option(help="Default 0; a RUN keeps its own.")] = None,
    out: Annotated[Path | None, typer.Option(help="For DATA; default runs/<data>_<label>.")] = None,
    allow_acausal: Annotated[
        bool, typer.Option("--allow-acausal", help="Date even latents that saw the future.")
    ] = False,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Decode what trials were from their activity, with null and interval, and write a report.

    From DATA: counts, beside them behaviour and stimulus alone. From a RUN also latents: its model
    is then fitted anew in every decoding fold (as long as in the run), so that no decoded trial was
    seen by the model. The answers are added to the RUN and its report.
    """
    from spikecast.core.errors import InputError
    from spikecast.runs import config as configs
    from spikecast.runs import experiment

    is_run = (Path(data) / "manifest.json").exists()
    if is_run and ((session, seed, out) != (None, None, None) or resume or overwrite):
        raise InputError(
            f"'{data}' is a run: its session, seed and folder stay; leave out --session, --seed, "
            "--out, --resume and --overwrite"
        )
    latent = is_run and configs.read(Path(data) / "config.yaml").has_latents
    block = {
        "labels": label,
        "sources": _listed(source) or ["counts", *(["latents"] if latent else []), "behavior"],
        "areas": _listed(areas),
        "model": model,
        "decoder": decoder,
        "folds": folds,
        "null_labels": null,
        "strata": _listed(strata),
        "permutations": permutations,
    }
    analysis = {"decode": block | {"combine": combine, "balance": balance}}
    if over_time:
        analysis["over_time"] = block | {
            "sources": _listed(source) or ["counts"],
            "decoder": "ridge" if decoder == "ridge" else "lda",
            "permutations": 5 * permutations,
            "allow_acausal": allow_acausal,
        }
    content: dict = {"data": {"path": data, "session": session}, "models": [], "seed": seed or 0}
    config = configs.parse(content | {"analysis": analysis})
    if not is_run:
        _execute(config, out, 1, resume, overwrite, quiet)
        return
    with shown_progress(quiet) as progress:
        experiment.ask(data, config.analysis, progress=progress)
        page = _drawn(Path(data), progress)
    _conclude(Path(data), page)


def _listed(names: str | None) -> list[str] | None:
    return names.split(",") if names else None


@app.command()
def run(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG|STUDY", help="A YAML file, or a name: see studies.")
    ],
    data: Annotated[str | None, typer.Option(help="STUDY: file or data set to run it on.")] = None,
    session: Annotated[int | None, typer.Option(help="STUDY: which session of it.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="STUDY: minutes, not the real sizes.")] = (
        False
    ),
    out: Out = None,
    workers: Workers = None,
    engine: Engine = "local",
    resume: Resume = False,
    overwrite: Overwrite = False,
    track: Track = None,
    quiet: Quiet = False,
) -> None:
    """Run a written config, or one of the published studies."""
    from spikecast.core.errors import InputError
    from spikecast.runs import config as configs
    from spikecast.runs.studies.catalog import STUDIES

    if config in STUDIES:
        if engine != "local":
            raise InputError("a study is run on this machine; leave out --engine")
        if track is not None:
            raise InputError("a study holds several runs and is not tracked; leave out --track")
        study(config, out, data, session, quick, workers, resume, overwrite, quiet)
        return
    if data is not None or session is not None or quick:
        raise InputError(
            "--data, --session and --quick are for studies (spikecast studies lists them); a "
            "config names its data itself"
        )
    if not Path(config).suffix:
        raise InputError(
            f"'{config}' is neither a config (.yaml) nor a study.{suggest_name(config, STUDIES)}"
        )
    _execute(configs.read(config), out, workers, resume, overwrite, quiet, engine, track)


def _execute(config, out, workers, resume, overwrite, quiet, engine="local", track=None) -> None:  # type: ignore[no-untyped-def]
    from spikecast.runs import experiment, tracking

    out = out or default_folder(config, resume)
    tracker = tracking.make(track)
    with (
        resumable(out),
        shown_progress(quiet) as shown,
        tracking.followed(tracker, config, out, shown, warn=warned) as progress,
    ):
        folder = experiment.execute(
            config,
            out,
            resume=resume,
            overwrite=overwrite,
            workers=workers,
            engine=engine,
            progress=progress,
        )
        page = _drawn(folder, progress)
    _conclude(folder, page)


def _drawn(folder: Path, progress) -> Path:  # type: ignore[no-untyped-def]
    from spikecast import report

    progress("drawing the report", 0, 0)
    return report.build(folder)


def _conclude(folder: Path, page: Path) -> None:
    """Print what a run says."""
    from spikecast.runs import run_directory
    from spikecast.runs.questions import store

    for found in run_directory.read_verdicts(folder).values():
        print("\n".join(found["verdict"]))
    answers = store.stored(folder / store.FOLDER).values()
    for answer in answers:
        print("\n".join(line for line in answer["said"].splitlines() if "  ! " not in line))
    for warning in dict.fromkeys(text for answer in answers for text in answer["warnings"]):
        print(f"warning: {warning}")
    print(f"report: {page}")
    failed = run_directory.read_manifest(folder).get("failed") or {}
    for target, models in failed.items():
        for model, why in models.items():
            print(f"{target}: {model} could not be fitted: {why}", file=sys.stderr)
    if failed:
        print(f"--resume --out {folder} tries again", file=sys.stderr)
        raise typer.Exit(1)


def default_folder(config, resume: bool, suffix: str = "") -> Path:  # type: ignore[no-untyped-def]
    """``runs/<data>-<session>_<target>``, with a number where that is taken."""
    session = config.data.session
    target = config.task.target if config.task else config.analysis.labels or "questions"
    data = Path(config.data.path).stem + ("" if session is None else f"-{session}")
    what = "-".join([target] if isinstance(target, str) else target or ["neurons"])
    stem = Path("runs") / re.sub(r"[^\w.-]+", "_", f"{data}_{what}{suffix}")
    candidates = [stem, *(stem.with_name(f"{stem.name}-{n}") for n in range(2, 10000))]
    free = next(path for path in candidates if not path.exists())
    taken = candidates[: candidates.index(free)]
    return taken[-1] if resume and taken else free


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]) -> None:
    """Draw the report of a finished run, study, sweep or atlas again."""
    from spikecast import report as reports
    from spikecast.report.atlas import page as atlases
    from spikecast.report.study import page as studies
    from spikecast.report.sweep import page as sweeps

    makers = {"study.json": studies.build, "sweep.json": sweeps.build, "atlas.yaml": atlases.build}
    build = next((make for name, make in makers.items() if (folder / name).exists()), reports.build)
    print(f"report: {build(folder)}")
