"""Modules of before November 2026: importing one says where its names are now."""

from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

MOVED = {
    "spikecast.recording": "spikecast.Recording",
    "spikecast.errors": "spikecast.errors",
    "spikecast.metrics": "spikecast.metrics",
    "spikecast.splits": "spikecast.splits",
    "spikecast.problem": "spikecast.AreaToArea",
    "spikecast.config": "spikecast.run",
    "spikecast.experiment": "spikecast.run",
    "spikecast.engine": "spikecast.open_executor",
    "spikecast.cluster": "spikecast.open_executor",
    "spikecast.atlas": "spikecast.atlas",
    "spikecast.audit": "spikecast.audit",
    "spikecast.nn": "spikecast.models",
    "spikecast.models.joint": "spikecast.models",
    "spikecast.evaluation.jobs": "spikecast.limit_threads",
    "spikecast.evaluation.scores": "spikecast.Scores",
    "spikecast.evaluation.sessions": "spikecast.cross_validate_sessions",
    "spikecast.analysis.alignment": "spikecast.align",
    "spikecast.analysis.dimensionality": "spikecast.dimensionality",
    "spikecast.analysis.embedding": "spikecast.embed",
    "spikecast.analysis.flow": "spikecast.information_flow",
    "spikecast.analysis.generalization": "spikecast.temporal_generalization",
    "spikecast.analysis.jpecc": "spikecast.joint_correlation",
    "spikecast.analysis.shared": "spikecast.shared_dynamics",
    "spikecast.analysis.sources": "spikecast.sources",
    "spikecast.analysis.subspace": "spikecast.communication_subspace",
    "spikecast.analysis.timing": "spikecast.decode_over_time",
    "spikecast.analysis.trajectories": "spikecast.trajectories",
    "spikecast.analysis.tuning": "spikecast.tuning",
}
"""Module that is no more -> the public name that has taken its place."""


class MovedModules(MetaPathFinder):
    """Refuses the modules that have moved, after all other finders have failed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Return None for a module that never was; raise ModuleNotFoundError for one of before."""
        if fullname in MOVED:
            raise ModuleNotFoundError(
                f"there is no module '{fullname}' any more; `import spikecast`, then "
                f"`{MOVED[fullname]}`. The CHANGELOG says what else moved",
                name=fullname,
            )
