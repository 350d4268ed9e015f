"""Name every file in the directories that spikecast writes; nothing else spells a path in one.

A run, a sweep, an atlas and a study have one class each. Nothing is read or written here.
"""

from dataclasses import dataclass
from pathlib import Path

from spikecast.core.files import LOCK, to_file_name

FOLD, CHECKPOINTS, JOB_SUFFIX = "-fold", ".checkpoints", ".json"
_JOBS, _MANIFEST = "jobs", "manifest.json"


class Inside:
    """A file or folder of a layout, by its name in the layout's folder."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, layout: "Layout", owner: type) -> Path:
        """Return the path in the layout's folder."""
        return layout.folder / self.name


@dataclass(frozen=True)
class Layout:
    """The files that a directory of any kind may have."""

    folder: Path

    manifest = Inside(_MANIFEST)  # versions, machine, seed, data, when it began and ended
    log = Inside("log.txt")  # what happened when
    lock = Inside(LOCK)  # held by the process that writes into the directory
    emptying = Inside(".emptying")  # there while what is replaced is removed
    protocol = Inside("protocol.json")  # how each number came about, for the audit
    report = Inside("report.html")

    def figure(self, name: str) -> Path:
        """Return the path of a figure of the report."""
        return self.folder / "figures" / f"{name}.svg"

    def table(self, name: str) -> Path:
        """Return the path of a table."""
        return self.folder / f"{name}.csv"


@dataclass(frozen=True)
class TargetLayout(Layout):
    """The files of one target of a run."""

    problem = Inside("problem.nc")  # recorded target activity, trials, folds
    beyond = Inside("beyond.json")  # what the source tells beyond the highest rung
    beyond_fits = Inside("beyond_fits.npz")  # what the fits of that were given
    jobs = Inside(_JOBS)

    def job(self, model: str, fold: int) -> Path:
        """Return the path of a fit's seconds, settings and training history; written last."""
        return self.jobs / f"{_name_job(model, fold)}{JOB_SUFFIX}"

    def name_fit(self, model: str, fold: int) -> str:
        """Return what a fit is called inside its files.

        Examples
        --------
        >>> TargetLayout(Path("run/targets/MOs")).name_fit("poisson_glm", 2)
        'MOs/poisson_glm-fold2'
        """
        return f"{self.folder.name}/{_name_job(model, fold)}"

    def arrays(self, model: str, fold: int) -> Path:
        """Return the path of a fit's predictions and latents of held-out trials, and its record."""
        return self.jobs / f"{_name_job(model, fold)}.npz"

    def checkpoints(self, model: str, fold: int) -> Path:
        """Return the folder of the state of a long fit, which is there while it runs."""
        return self.jobs / f"{_name_job(model, fold)}{CHECKPOINTS}"

    def weights(self, model: str, fold: int) -> Path:
        """Return the path of a fitted model, without the suffixes of its two files."""
        return self.folder / "weights" / _name_job(model, fold)

    def list_jobs(self, model: str) -> list[Path]:
        """Return the descriptions of the fits of a model that are there."""
        return sorted(self.jobs.glob(f"{_name_job(model, '*')}{JOB_SUFFIX}"))


def _name_job(model: str, fold: int | str) -> str:
    return f"{to_file_name(model)}{FOLD}{fold}"


def split_job_name(path: Path) -> tuple[str, int]:
    """Return model, as files call it, and fold of the description of a fit.

    Examples
    --------
    >>> split_job_name(TargetLayout(Path("MOs")).job("poisson_glm", 2))
    ('poisson_glm', 2)
    """
    model, _, fold = path.stem.rpartition(FOLD)
    return model, int(fold)


@dataclass(frozen=True)
class RunLayout(Layout):
    """The files of a run of ``predict``, ``decode`` or ``run``."""

    config = Inside("config.yaml")  # the settings, defaults included
    excerpt = Inside("excerpt.nc")  # the part of the recording that the report draws
    trial_table = Inside("trial_table.csv")  # the recording's
    scores = Inside("scores.csv")  # every score, tidy
    summary = Inside("summary.csv")  # headline scores with intervals
    neurons = Inside("neurons.csv")  # scores neuron by neuron
    verdict = Inside("verdict.json")  # per target: verdict, notices, paired differences
    targets = Inside("targets")
    answers = Inside("analysis")
    shared = Inside(".shared")  # arrays that processes share while it runs
    tensorboard = Inside("tensorboard")  # event files, where the run is tracked so

    def target(self, name: str) -> TargetLayout:
        """Return the files of a target, by its name or by that of its folder.

        Examples
        --------
        >>> RunLayout(Path("run")).target("MOs").folder.name
        'MOs'
        >>> RunLayout(Path("run")).target("MOs/layer 5").folder.name
        'MOs_layer_5-6ff9e3'
        """
        return TargetLayout(self.targets / to_file_name(name))

    def list_jobs(self) -> list[Path]:
        """Return the descriptions of all fits that are there, of every target."""
        return sorted(self.targets.glob(f"*/{_JOBS}/[!.]*{JOB_SUFFIX}"))

    @property
    def answer_index(self) -> Path:
        """Names of the answers that belong to the run; written last."""
        return self.answers / "index.json"

    def answer(self, name: str) -> Path:
        """Return the path of an answer: kind, facts, notices, names of its tables; written last."""
        return self.answers / f"{name}.json"

    def answer_table(self, name: str, table: str) -> Path:
        """Return the path of a table of an answer."""
        return self.answers / f"{name}-{table}.csv"

    def answer_arrays(self, name: str) -> Path:
        """Return the path of the matrices of an answer."""
        return self.answers / f"{name}.npz"


@dataclass(frozen=True)
class SweepLayout(RunLayout):
    """The files of a sweep, beside those of a run."""

    result = Inside("sweep.json")  # the best settings of each model; written last
    trials = Inside("trials.csv")  # every trial of every study
    best = Inside("best.yaml")  # a config with the settings that were chosen on all trials
    journal = Inside("study.log")  # Optuna's, of all studies
    journal_lock = Inside(".study.lock")  # held while the journal is written
    claim_lock = Inside(".claim.lock")  # held while a study or a trial is taken
    workers = Inside("workers")  # living processes leave a sign of life there


@dataclass(frozen=True)
class AtlasLayout(Layout):
    """The files of an atlas."""

    settings = Inside("atlas.yaml")  # the settings, defaults included
    jobs = Inside("jobs.jsonl")  # journal of the finished jobs
    cells = Inside("cells.csv")  # one row per session, model, source and target
    parquet = Inside("scores.parquet")  # the scores again, for large atlases
    shared = Inside(".shared")  # arrays that processes share while it runs


@dataclass(frozen=True)
class ColumnLayout(Layout):
    """The files of a column of a study: its protocol, tables and arrays of figures."""

    values = Inside("values.json")  # its numbers

    def arrays(self, name: str) -> Path:
        """Return the path of what a figure draws."""
        return self.folder / f"{name}.npz"


@dataclass(frozen=True)
class StudyLayout(Layout):
    """The files of a published study."""

    preset = Inside("preset.yaml")  # the study as it was run
    data = Inside("data.nc")  # the recording it was run on
    begun = Inside("begun.json")  # what was begun; removed when it is finished
    parts = Inside("parts")  # what is computed so far; removed when it is finished
    result = Inside("study.json")  # where the data are from, columns, conclusions; written last
    sound = Inside("sound")  # the sound runs

    @property
    def described(self) -> ColumnLayout:
        """The protocol as described."""
        return self.column("described")

    @property
    def concluded(self) -> ColumnLayout:
        """What the sound protocol adds to its runs."""
        return self.column("concluded")

    def column(self, name: str) -> ColumnLayout:
        """Return the files of a column of the study: ``described`` or ``concluded``."""
        return ColumnLayout(self.folder / name)

    def sound_run(self, name: str) -> RunLayout:
        """Return the files of a sound run."""
        return RunLayout(self.sound / name)

    def list_sound_runs(self) -> list[RunLayout]:
        """Return the sound runs that were begun."""
        return [RunLayout(path.parent) for path in sorted(self.sound.glob(f"*/{_MANIFEST}"))]


TABLES = (".csv", ".parquet")  # atlases, sweeps and studies name theirs
CHECKSUM = ".b2sum"
OF_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file managers leave


def list_foreign(folder: Path) -> list[str]:
    """Return the names of what lies in a folder and is no part of a run, sweep, atlas or study."""
    kinds = (RunLayout, SweepLayout, AtlasLayout, StudyLayout)
    known = {"figures", "described", "concluded", *OF_SYSTEMS} | {
        one.name
        for kind in kinds
        for part in kind.__mro__
        for one in vars(part).values()
        if isinstance(one, Inside)
    }
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.name.removesuffix(CHECKSUM) not in known and not path.name.endswith(TABLES)
    )


MARKERS = {
    "study": ("study.json", "preset.yaml", "begun.json"),
    "sweep": ("sweep.json", "study.log"),
    "atlas": ("atlas.yaml",),
    "run": (_MANIFEST,),  # last: the others have manifests too
}
"""Kind of directory -> the files by any of which it is recognised."""


def find_kind(folder: str | Path) -> str | None:
    """Return the first kind of :data:`MARKERS` one of whose files a folder holds, or None.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> find_kind(folder)
    >>> AtlasLayout(folder).settings.touch()
    >>> find_kind(folder)
    'atlas'
    """
    for kind, names in MARKERS.items():
        if any((Path(folder) / name).exists() for name in names):
            return kind
    return None
