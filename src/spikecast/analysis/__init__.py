"""What activity encodes, when, in which direction it flows, and in how many dimensions.

Each answer comes with its null, its interval and its protocol. What is public is exported here and
imported when it is first used; the three folders hold one file per kind of question.

>>> import spikecast as sc
>>> sc.analysis.LabelNull("pseudo_session").kind
'pseudo_session'
"""

from importlib import import_module
from typing import Any

_MODULES = {
    "decoding.area_choice": ("MatchedAreas", "WholeAreas"),
    "decoding.clusters": ("ClusterLevels",),
    "decoding.decode": ("Decoding", "decode"),
    "decoding.generalization": ("Generalization", "temporal_generalization"),
    "decoding.null_choice": ("NullChoice",),
    "decoding.nulls": ("LabelNull",),
    "decoding.problem": ("Draws",),
    "decoding.over_time": ("LinearDecoder", "OnsetRule", "OverTime", "decode_over_time"),
    "geometry.alignment": ("Alignment", "align", "average_conditions"),
    "geometry.cell_types": ("CellTypes", "cell_types", "split_areas"),
    "geometry.dimensionality": ("Dimensionality", "dimensionality"),
    "geometry.embedding": ("Embedding", "Points", "embed"),
    "geometry.shared_dynamics": ("SharedDynamics", "shared_dynamics"),
    "geometry.trajectories": ("Trajectories", "name_conditions", "trajectories"),
    "geometry.tuning": ("Tuning", "tuning"),
    "interareal.explain": ("Explanation", "explain"),
    "interareal.granger": ("InformationFlow", "NeuronSample", "PastFeatures", "information_flow"),
    "interareal.lagged_cca": ("CanonicalModel", "JointCorrelation", "joint_correlation"),
    "interareal.pairwise": ("Pair", "PairScore", "pairwise_ridge"),
    "interareal.shift_claims": ("Claim",),
    "interareal.subspace": ("CommunicationSubspace", "communication_subspace", "principal_angles"),
}
"""Module below this one -> what it exports."""

_HOMES = {name: module for module, names in _MODULES.items() for name in names}
__all__ = [*_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    # scikit-learn and the models take seconds to import
    if name in _HOMES:
        return getattr(import_module(f"spikecast.analysis.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'spikecast.analysis' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
