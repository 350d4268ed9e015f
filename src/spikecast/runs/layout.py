"""Name every file in the directories that spikecast writes; nothing else spells a path in one.

A run, a sweep, an atlas and a study have one class each. Nothing is read or written here.

=====================================  ===========================================================
of a run
--------------------------------------------------------------------------------------------------
``config.yaml``                        the settings, defaults included
``manifest.json``                      versions, machine, seed, identity of the data, when it ended
``log.txt``                            what happened when
``excerpt.nc``                         the part of the recording that the report draws
``trial_table.csv``                    the recording's table of trials
``targets/T/problem.nc``               recorded target activity, trials, folds
``targets/T/jobs/MODEL-fold0.npz``     predictions and latents of the held-out trials; what the fit
                                       was given
``targets/T/jobs/MODEL-fold0.json``    seconds, settings chosen, training history; written last
``targets/T/jobs/*.checkpoints``       only while a long fit runs: its state, twice a minute
``targets/T/weights/MODEL-fold0.*``    the fitted model (safetensors and JSON)
``scores.csv``                         every score, tidy
``summary.csv``                        headline scores with intervals
``neurons.csv``                        scores neuron by neuron
``verdict.json``                       per target: verdict, notices, paired differences
``analysis/index.json``                which answers belong to the run; written last
``analysis/Q.json``                    one answer: kind, facts, notices, names of its tables
``analysis/Q-TABLE.csv``               its tables, tidy
``analysis/Q.npz``                     its matrices, where it has any
``figures/``, ``report.html``          written by :mod:`spikecast.report`
=====================================  ===========================================================
"""

from dataclasses import dataclass
from pathlib import Path

from spikecast.core.files import LOCK

JOB_SUFFIX = ".json"
FOLD, CHECKPOINTS = "-fold", ".checkpoints"


@dataclass(frozen=True)
class Layout:
    """The files that a directory of any kind may have."""

    folder: Path

    @property
    def manifest(self) -> Path:
        """Versions, machine, seed, data, when it was begun and when it ended."""
        return self.folder / "manifest.json"

    @property
    def log(self) -> Path:
        """What happened when."""
        return self.folder / "log.txt"

    @property
    def lock(self) -> Path:
        """Held by the process that writes into the directory."""
        return self.folder / LOCK

    @property
    def protocol(self) -> Path:
        """How each number came about, for the audit."""
        return self.folder / "protocol.json"

    @property
    def report(self) -> Path:
        """The page."""
        return self.folder / "report.html"

    def figure(self, name: str) -> Path:
        """A figure of the page."""
        return self.folder / "figures" / f"{name}.svg"

    def table(self, name: str) -> Path:
        """A table."""
        return self.folder / f"{name}.csv"


@dataclass(frozen=True)
class TargetLayout:
    """The files of one target of a run."""

    folder: Path

    @property
    def problem(self) -> Path:
        """Recorded target activity, trials, folds."""
        return self.folder / "problem.nc"

    @property
    def jobs(self) -> Path:
        """Folder of what was fitted."""
        return self.folder / "jobs"

    def job(self, model: str, fold: int) -> Path:
        """Description of a fit; a fit is finished when this is there."""
        return self.jobs / f"{model}{FOLD}{fold}{JOB_SUFFIX}"

    def arrays(self, model: str, fold: int) -> Path:
        """Predictions and latents of the held-out trials."""
        return self.jobs / f"{model}{FOLD}{fold}.npz"

    def checkpoints(self, model: str, fold: int) -> Path:
        """Folder of the state of a fit that is under way."""
        return self.jobs / f"{model}{FOLD}{fold}{CHECKPOINTS}"

    def weights(self, model: str, fold: int) -> Path:
        """Fitted model, without the suffixes of its two files."""
        return self.folder / "weights" / f"{model}{FOLD}{fold}"

    def list_jobs(self, model: str) -> list[Path]:
        """Descriptions of the fits of a model that are there."""
        return sorted(self.jobs.glob(f"{model}{FOLD}*{JOB_SUFFIX}"))


def split_job_name(path: Path) -> tuple[str, int]:
    """Return model and fold of the description of a fit.

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

    @property
    def config(self) -> Path:
        """The settings, defaults included."""
        return self.folder / "config.yaml"

    @property
    def excerpt(self) -> Path:
        """The part of the recording that the report draws."""
        return self.folder / "excerpt.nc"

    @property
    def trial_table(self) -> Path:
        """The recording's table of trials."""
        return self.table("trial_table")

    @property
    def scores(self) -> Path:
        """Every score, tidy."""
        return self.table("scores")

    @property
    def summary(self) -> Path:
        """Headline scores with intervals."""
        return self.table("summary")

    @property
    def neurons(self) -> Path:
        """Scores neuron by neuron."""
        return self.table("neurons")

    @property
    def verdict(self) -> Path:
        """Per target: verdict, notices, paired differences."""
        return self.folder / "verdict.json"

    @property
    def targets(self) -> Path:
        """Folder of the targets."""
        return self.folder / "targets"

    def target(self, name: str) -> TargetLayout:
        """Files of a target, by its name or by that of its folder.

        Examples
        --------
        >>> RunLayout(Path("run")).target("MOs/layer 5").folder.name
        'MOs_layer_5'
        """
        plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        return TargetLayout(self.targets / plain)

    def list_jobs(self) -> list[Path]:
        """Descriptions of all fits that are there, of every target."""
        return sorted(self.targets.glob(f"*/jobs/[!.]*{JOB_SUFFIX}"))

    def list_problems(self) -> list[Path]:
        """The problems that are there, one per target."""
        return sorted(self.targets.glob("*/problem.nc"))

    @property
    def answers(self) -> Path:
        """Folder of the answers."""
        return self.folder / "analysis"

    @property
    def answer_index(self) -> Path:
        """Names of the answers that belong to the run."""
        return self.answers / "index.json"

    def answer(self, name: str) -> Path:
        """One answer; it is complete when this is there."""
        return self.answers / f"{name}.json"

    def answer_table(self, name: str, table: str) -> Path:
        """One table of an answer."""
        return self.answers / f"{name}-{table}.csv"

    def answer_arrays(self, name: str) -> Path:
        """The matrices of an answer."""
        return self.answers / f"{name}.npz"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's event files, where the run is tracked so."""
        return self.folder / "tensorboard"


@dataclass(frozen=True)
class SweepLayout(RunLayout):
    """The files of a sweep, beside those of a run."""

    @property
    def result(self) -> Path:
        """What was found, per model; written last."""
        return self.folder / "sweep.json"

    @property
    def trials(self) -> Path:
        """Every trial of every study."""
        return self.table("trials")

    @property
    def best(self) -> Path:
        """A config with the settings that were chosen on all trials."""
        return self.folder / "best.yaml"

    @property
    def journal(self) -> Path:
        """Optuna's journal of all studies."""
        return self.folder / "study.log"

    @property
    def journal_lock(self) -> Path:
        """Held while the journal is written."""
        return self.folder / ".study.lock"

    @property
    def claim_lock(self) -> Path:
        """Held while a study or a trial is taken."""
        return self.folder / ".claim.lock"

    @property
    def workers(self) -> Path:
        """Folder in which living processes leave a sign of life."""
        return self.folder / "workers"


@dataclass(frozen=True)
class AtlasLayout(Layout):
    """The files of an atlas."""

    @property
    def settings(self) -> Path:
        """The settings, defaults included."""
        return self.folder / "atlas.yaml"

    @property
    def jobs(self) -> Path:
        """Journal of the finished jobs."""
        return self.folder / "jobs.jsonl"

    @property
    def cells(self) -> Path:
        """One row per session, model, source and target."""
        return self.table("cells")

    @property
    def parquet(self) -> Path:
        """The scores again, for large atlases."""
        return self.folder / "scores.parquet"

    @property
    def shared(self) -> Path:
        """Folder of the arrays that processes share while it runs."""
        return self.folder / ".shared"


@dataclass(frozen=True)
class ShownLayout(Layout):
    """The files of what a study computes itself: its protocol, tables and figures' arrays."""

    @property
    def values(self) -> Path:
        """Its numbers."""
        return self.folder / "values.json"

    def arrays(self, name: str) -> Path:
        """What a figure draws."""
        return self.folder / f"{name}.npz"


@dataclass(frozen=True)
class StudyLayout(Layout):
    """The files of a published study."""

    @property
    def preset(self) -> Path:
        """The study as it was run."""
        return self.folder / "preset.yaml"

    @property
    def data(self) -> Path:
        """The recording it was run on."""
        return self.folder / "data.nc"

    @property
    def begun(self) -> Path:
        """What was begun; removed when it is finished."""
        return self.folder / "begun.json"

    @property
    def parts(self) -> Path:
        """Folder of what is computed so far; removed when it is finished."""
        return self.folder / "parts"

    @property
    def result(self) -> Path:
        """Where the data are from, the columns, the sentences; written last."""
        return self.folder / "study.json"

    @property
    def described(self) -> ShownLayout:
        """The protocol as described."""
        return ShownLayout(self.folder / "described")

    @property
    def concluded(self) -> ShownLayout:
        """What the sound protocol adds to its runs."""
        return ShownLayout(self.folder / "concluded")

    def shown(self, column: str) -> ShownLayout:
        """What a study computes itself: ``described`` or ``concluded``."""
        return ShownLayout(self.folder / column)

    @property
    def sound(self) -> Path:
        """Folder of the sound runs."""
        return self.folder / "sound"

    def sound_run(self, name: str) -> RunLayout:
        """Files of a sound run."""
        return RunLayout(self.sound / name)

    def list_sound_runs(self) -> list[RunLayout]:
        """The sound runs that were begun."""
        return [RunLayout(path.parent) for path in sorted(self.sound.glob("*/manifest.json"))]


MARKERS = {
    "study": ("study.json", "preset.yaml"),
    "sweep": ("sweep.json", "study.log"),
    "atlas": ("atlas.yaml",),
    "run": ("manifest.json",),  # last: the others have manifests too
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
