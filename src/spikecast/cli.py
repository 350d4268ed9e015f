"""The command line: parse, call, print. One line and exit status 2 for everything explainable."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from spikecast import __version__
from spikecast.errors import SpikecastError

app = typer.Typer(
    help="Honest prediction between populations of neurons: from a recording to a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="Known data sets: list them, fetch them.", no_args_is_help=True)
app.add_typer(data_app, name="data")

console = Console(stderr=True, highlight=False)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Out = Annotated[Path | None, typer.Option(help="Run directory; default runs/<session>_<target>.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the run that is there.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes; does not change any number.", show_default="cores"),
]


def main() -> None:
    """Run the command line; the entry point of ``spikecast``."""
    try:
        app(standalone_mode=True)
    except SpikecastError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


# ------------------------------------------------------------------------------------ running


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
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Predict an area's activity from other areas', and write a report."""
    from spikecast import config as configs

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
    _execute(config, out, workers, resume, overwrite, quiet)


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
    decoder: Annotated[str, typer.Option(help="lda, logistic_l2, rbf_svm, ridge, ...")] = "lda",
    over_time: Annotated[
        bool, typer.Option("--over-time", help="Also date it: bin by bin by LDA (or ridge).")
    ] = False,
    session: Annotated[int | None, typer.Option(help="Which session of the DATA.")] = None,
    folds: Annotated[int, typer.Option(help="Parts the trials are cut into.")] = 5,
    null: Annotated[
        str, typer.Option(help="label_shuffle; pseudo_session for labels that come in runs.")
    ] = "label_shuffle",
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
    from spikecast import config as configs
    from spikecast import experiment
    from spikecast.errors import InputError

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
        "permutations": permutations,
    }
    analysis = {"decode": block}
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
    with _progress(quiet) as progress:
        experiment.ask(data, config.analysis, progress=progress)
        page = _drawn(Path(data), progress)
    _conclude(Path(data), page)


def _listed(names: str | None) -> list[str] | None:
    return names.split(",") if names else None


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="YAML file; every run writes one.")],
    out: Out = None,
    workers: Workers = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Run a written config."""
    from spikecast import config as configs

    _execute(configs.read(config), out, workers, resume, overwrite, quiet)


def _execute(config, out, workers, resume, overwrite, quiet) -> None:  # type: ignore[no-untyped-def]
    from spikecast import experiment

    out = out or _default_folder(config, resume)
    try:
        with _progress(quiet) as progress:
            folder = experiment.execute(
                config, out, resume=resume, overwrite=overwrite, workers=workers, progress=progress
            )
            page = _drawn(folder, progress)
    except KeyboardInterrupt:
        print(f"interrupted; go on with the same command and --resume --out {out}", file=sys.stderr)
        raise typer.Exit(130) from None
    _conclude(folder, page)


def _drawn(folder: Path, progress) -> Path:  # type: ignore[no-untyped-def]
    from spikecast import report

    progress("drawing the report", 0, 0)
    return report.build(folder)


def _conclude(folder: Path, page: Path) -> None:
    """Print what a run says."""
    from spikecast import run_directory
    from spikecast.answers import store

    for found in run_directory.read_verdicts(folder).values():
        print("\n".join(found["verdict"]))
    answers = store.stored(folder / store.FOLDER).values()
    for answer in answers:
        print("\n".join(line for line in answer["said"].splitlines() if "  ! " not in line))
    for warning in dict.fromkeys(text for answer in answers for text in answer["warnings"]):
        print(f"warning: {warning}")
    print(f"report: {page}")


def _default_folder(config, resume: bool) -> Path:  # type: ignore[no-untyped-def]
    """``runs/<data>-<session>_<target>``, with a number where that is taken."""
    session = config.data.session
    target = config.task.target if config.task else config.analysis.labels or "questions"
    data = Path(config.data.path).stem + ("" if session is None else f"-{session}")
    what = "-".join([target] if isinstance(target, str) else target or ["neurons"])
    stem = Path("runs") / re.sub(r"[^\w.-]+", "_", f"{data}_{what}")
    candidates = [stem, *(stem.with_name(f"{stem.name}-{n}") for n in range(2, 10000))]
    free = next(path for path in candidates if not path.exists())
    taken = candidates[: candidates.index(free)]
    return taken[-1] if resume and taken else free


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]) -> None:
    """Draw the report of a finished run again."""
    from spikecast import report as reports

    print(f"report: {reports.build(folder)}")


# ------------------------------------------------------------------------------------ looking


@app.command()
def inspect(
    data: Annotated[str, typer.Argument(help="File, folder, or name of a known data set.")],
    session: Annotated[int | None, typer.Option(help="Only this session.")] = None,
) -> None:
    """Print sessions, areas, neurons, trials, bins, behaviour and warnings."""
    from spikecast.data import load, load_all
    from spikecast.quality import findings

    recordings = load_all(data) if session is None else [load(data, session)]
    for index, recording in enumerate(recordings):
        _describe(session if session is not None else index, recording)
        for finding in findings(recording):
            print(f"  warning: {finding.message}")


def _describe(index: int, recording) -> None:  # type: ignore[no-untyped-def]
    import numpy as np

    areas = sorted(recording.areas.items(), key=lambda pair: -pair[1])
    start, stop = recording.time[0], recording.time[-1]
    half = recording.bin_size / 2
    attributes = recording.dataset.attrs
    print(f"session {index}: {recording.session or 'unnamed'}")
    print(
        f"  {recording.n_neurons} neurons, {recording.n_trials} trials, {recording.n_bins} bins of "
        f"{1000 * recording.bin_size:g} ms ({start - half:g} to {stop + half:g} s from "
        f"{attributes['align_to']}), {recording.kind}"
    )
    if recording.kind == "counts":
        rate = recording.firing_rate
        print(
            f"  rates: median {np.median(rate):.1f} Hz, "
            f"{np.mean(rate < 0.5):.0%} of neurons below 0.5 Hz"
        )
    print("  areas: " + ", ".join(f"{name} {size}" for name, size in areas))
    if len(recording.trials.columns):
        print("  trial columns: " + ", ".join(recording.trials.columns))
    others = [name for name in recording.neurons.columns if name != "area"]
    if others:
        print("  neuron columns: " + ", ".join(others))
    print("  behaviour: " + (", ".join(recording.behavior) or "none"))
    if "event_clock" in attributes:
        print(
            f"  event times count from the {attributes['event_clock']} in the file "
            f"({attributes['event_clock_evidence']})"
        )


@app.command()
def models() -> None:
    """List the models of the catalogue: name, whether latents are causal, what it is, its paper."""
    from spikecast.models.catalog import MODELS
    from spikecast.models.classifiers import CLASSIFIERS

    for name, model in MODELS.items():
        instance = model()
        latents = "acausal or causal" if "causal" in instance.get_params() else "acausal"
        latents = latents if instance.has_latents else "no latents"
        print(f"{name:<24}{latents:<19}{model.about} [{model.paper or 'the null'}]")
    print("\nfor labels of trials (spikecast decode --decoder NAME):")
    for name, make in CLASSIFIERS.items():
        about, _, paper = str(make.__doc__).removesuffix(").").rpartition(" (")
        print(f"{name:<24}{'no latents':<19}{about} [{paper}]")


# ------------------------------------------------------------------------------------ data


@data_app.command("list")
def list_data() -> None:
    """List the data sets that can be fetched, and which are on this machine."""
    from spikecast.data.catalog import DATASETS
    from spikecast.data.fetch import folder, local_files

    table = Table(box=None, pad_edge=False)
    for column in ("name", "what it is", "files here", "cite"):
        table.add_column(column)
    for name, data_set in DATASETS.items():
        here = f"{len(local_files(name))} of {len(data_set.files)}"
        table.add_row(name, data_set.description, here, data_set.citation)
    Console().print(table)
    print(f"kept in {folder()} (set SPIKECAST_DATA to change)")


@data_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of a data set: spikecast data list.")],
    quiet: Quiet = False,
) -> None:
    """Download a data set; a broken-off download goes on where it stopped."""
    from spikecast.data import fetch as fetching

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden) as bars:
        tasks: dict = {}

        def progress(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=total)
            bars.update(tasks[file], completed=done, total=total)

        paths = fetching.fetch(name, progress)
    for path in paths:
        print(path)


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


@contextmanager
def _progress(quiet: bool) -> Iterator:
    """A progress function that draws one bar, on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as bars:
        bar = bars.add_task("starting", total=None, count="")

        def progress(what: str, done: int, total: int) -> None:
            count = f"{done} of {total} fits" if total else ""
            bars.update(bar, description=what, completed=done, total=total or None, count=count)

        yield progress


if __name__ == "__main__":
    main()
