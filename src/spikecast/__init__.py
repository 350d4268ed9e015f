"""spikecast: honest prediction between populations of neurons, on a laptop.

>>> import spikecast as sc
>>> recording = sc.simulate.decision_task(40, n_bins=80, stim_onset=0.2, seed=3).recording
>>> scores = sc.cross_validate(["mean_rate", "pca_ridge"], sc.AreaToArea("MOs"), recording)
>>> scores.models
['mean_rate', 'pca_ridge', 'psth', 'drift', 'source_free', 'behavior']

Every public name is imported when it is first used: torch takes seconds, and reading data does not
need it.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from spikecast.core.moved import MovedModules

if TYPE_CHECKING:  # for editors and type checkers: the same names as below
    from spikecast import analysis as analysis
    from spikecast import models as models
    from spikecast import report as report
    from spikecast import tasks as tasks
    from spikecast.analysis.decoding import sources as sources
    from spikecast.analysis.decoding.decode import decode as decode
    from spikecast.analysis.decoding.generalization import (
        temporal_generalization as temporal_generalization,
    )
    from spikecast.analysis.decoding.over_time import decode_over_time as decode_over_time
    from spikecast.analysis.geometry.alignment import align as align
    from spikecast.analysis.geometry.dimensionality import dimensionality as dimensionality
    from spikecast.analysis.geometry.embedding import embed as embed
    from spikecast.analysis.geometry.shared_dynamics import shared_dynamics as shared_dynamics
    from spikecast.analysis.geometry.trajectories import trajectories as trajectories
    from spikecast.analysis.geometry.tuning import tuning as tuning
    from spikecast.analysis.interareal.explain import explain as explain
    from spikecast.analysis.interareal.granger import information_flow as information_flow
    from spikecast.analysis.interareal.lagged_cca import joint_correlation as joint_correlation
    from spikecast.analysis.interareal.subspace import (
        communication_subspace as communication_subspace,
    )
    from spikecast.core import errors as errors
    from spikecast.data import load as load
    from spikecast.data import load_all as load_all
    from spikecast.data import simulate as simulate
    from spikecast.data.doctor import examine as examine
    from spikecast.data.recording import Recording as Recording
    from spikecast.evaluation import benchmarks as benchmarks
    from spikecast.evaluation.cross_validation import cross_validate as cross_validate
    from spikecast.evaluation.cross_validation import score_predictions as score_predictions
    from spikecast.evaluation.evaluate import evaluate as evaluate
    from spikecast.evaluation.folds import make_folds as make_folds
    from spikecast.evaluation.many_sessions import (
        cross_validate_sessions as cross_validate_sessions,
    )
    from spikecast.evaluation.score_table import Scores as Scores
    from spikecast.evaluation.search import search as search
    from spikecast.parallel.executors import open_executor as open_executor
    from spikecast.parallel.threads import limit_threads as limit_threads
    from spikecast.report import plot as plot
    from spikecast.runs.atlas.atlas import atlas as atlas
    from spikecast.runs.audit import audit as audit
    from spikecast.runs.experiment import run as run
    from spikecast.scoring import metrics as metrics
    from spikecast.tasks import splits as splits
    from spikecast.tasks.tasks import AreaToArea as AreaToArea
    from spikecast.tasks.tasks import Behavior as Behavior
    from spikecast.tasks.tasks import Forecast as Forecast
    from spikecast.tasks.tasks import HeldOutNeurons as HeldOutNeurons
    from spikecast.tasks.tasks import NeuronsToNeurons as NeuronsToNeurons

__version__ = "0.2.0"

MODULES = {
    "analysis": "spikecast.analysis",
    "benchmarks": "spikecast.evaluation.benchmarks",
    "errors": "spikecast.core.errors",
    "metrics": "spikecast.scoring.metrics",
    "models": "spikecast.models",
    "plot": "spikecast.report.plot",
    "report": "spikecast.report",
    "simulate": "spikecast.data.simulate",
    "sources": "spikecast.analysis.decoding.sources",
    "splits": "spikecast.tasks.splits",
    "tasks": "spikecast.tasks",
}
"""Public module -> where it stands."""

NAMES = {
    "Recording": "spikecast.data.recording",
    "load": "spikecast.data",
    "load_all": "spikecast.data",
    "examine": "spikecast.data.doctor",
    "AreaToArea": "spikecast.tasks.tasks",
    "Behavior": "spikecast.tasks.tasks",
    "Forecast": "spikecast.tasks.tasks",
    "HeldOutNeurons": "spikecast.tasks.tasks",
    "NeuronsToNeurons": "spikecast.tasks.tasks",
    "cross_validate": "spikecast.evaluation.cross_validation",
    "cross_validate_sessions": "spikecast.evaluation.many_sessions",
    "Scores": "spikecast.evaluation.score_table",
    "evaluate": "spikecast.evaluation.evaluate",
    "make_folds": "spikecast.evaluation.folds",
    "score_predictions": "spikecast.evaluation.cross_validation",
    "search": "spikecast.evaluation.search",
    "decode": "spikecast.analysis.decoding.decode",
    "decode_over_time": "spikecast.analysis.decoding.over_time",
    "temporal_generalization": "spikecast.analysis.decoding.generalization",
    "explain": "spikecast.analysis.interareal.explain",
    "information_flow": "spikecast.analysis.interareal.granger",
    "joint_correlation": "spikecast.analysis.interareal.lagged_cca",
    "communication_subspace": "spikecast.analysis.interareal.subspace",
    "dimensionality": "spikecast.analysis.geometry.dimensionality",
    "embed": "spikecast.analysis.geometry.embedding",
    "align": "spikecast.analysis.geometry.alignment",
    "shared_dynamics": "spikecast.analysis.geometry.shared_dynamics",
    "trajectories": "spikecast.analysis.geometry.trajectories",
    "tuning": "spikecast.analysis.geometry.tuning",
    "atlas": "spikecast.runs.atlas.atlas",
    "audit": "spikecast.runs.audit",
    "run": "spikecast.runs.experiment",
    "open_executor": "spikecast.parallel.executors",
    "limit_threads": "spikecast.parallel.threads",
}
"""Public function or class -> the module that holds it."""

__all__ = [*MODULES, *NAMES]  # noqa: PLE0604

sys.meta_path.append(MovedModules())


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return import_module(MODULES[name])
    if name in NAMES:
        return getattr(import_module(NAMES[name]), name)
    from spikecast.core.checks import suggest_name

    hint = "" if name.startswith("_") else suggest_name(name, __all__)
    raise AttributeError(f"module 'spikecast' has no attribute '{name}'.{hint}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
