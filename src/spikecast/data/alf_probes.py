"""Units of several probes of an ALF session as one table: areas, qualities, and what is said."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.notices import Notice, NoticeKind
from spikecast.data.columns import find_free_name
from spikecast.data.cuts.units import find_good

ATLAS_ID = "atlas_id"

AREA_FROM = NoticeKind("area_from", "minor", "area of a unit: {source}")
MIXED_AREAS = NoticeKind(
    "mixed_areas",
    "serious",
    "areas of {probes} are numbers of the Allen atlas, those of the other probes are names: one "
    "area may be there under both",
)
UNLABELED_PROBES = NoticeKind(
    "unlabeled_probes",
    "serious",
    "no unit of {probes} has the label of quality that units of the other probes are judged by: "
    "all {n} count as good, as where the probe is read alone; to leave them out, give the folder "
    "of another probe",
)


def join_notices(notices: Mapping[str, list[Notice]]) -> list[Notice]:
    """Return the notices of probes, by their names: units of one kind are counted together."""
    joined: dict[str, Notice] = {}
    sources: dict[str, list[str]] = {}
    for probe, of_probe in notices.items():
        source = next((one for one in of_probe if one.code == AREA_FROM.code), None)
        sources.setdefault(source.values["source"] if source else "none", []).append(probe)
        for notice in of_probe:
            known = joined.get(notice.code)
            if known is not None:
                notice = replace(notice, values=_add_counts(known.values, notice.values))
            joined[notice.code] = notice
    if AREA_FROM.code in joined and len(sources) > 1:
        each = [f"{source} ({', '.join(probes)})" for source, probes in sources.items()]
        joined[AREA_FROM.code] = AREA_FROM(source="; ".join(each))
    return list(joined.values())


def _add_counts(known: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of two notices of one kind: numbers are added, others are the second's."""
    return {
        name: known[name] + value if isinstance(value, int) else value
        for name, value in added.items()
    }


def fill_qualities(units: pd.DataFrame, probes: np.ndarray) -> tuple[pd.DataFrame, list[Notice]]:
    """Return the units; those of a probe without any label are called good beside other probes'.

    `probes` (unit,) are the names of the folders that the units are from.
    """
    columns = list_qualities(units)
    lacking = units[columns].isna() | (units[columns].astype(str) == "")
    bare = [name for name in dict.fromkeys(probes) if lacking[probes == name].all(axis=None)]
    rows = np.isin(probes, bare)
    good = {name: find_good(units.loc[~rows, name]) for name in columns}
    good = {name: label for name, label in good.items() if label is not None}
    if not rows.any() or not good:
        return units, []
    taken = {name: units[name].astype(object).mask(rows, label) for name, label in good.items()}
    return units.assign(**taken), [UNLABELED_PROBES(probes=bare, n=int(rows.sum()))]


def join_areas(
    units: pd.DataFrame, probes: np.ndarray
) -> tuple[pd.DataFrame, list[str], list[Notice]]:
    """Return the units, their column of areas, and what is to be said where probes differ in it."""
    columns = [name for name in ("acronym", ATLAS_ID) if name in units]
    if len(columns) < 2:
        return units, columns, []
    named = units[columns].notna() & (units[columns].astype(str) != "")
    bare = [
        name
        for name in dict.fromkeys(probes)
        if not named["acronym"][probes == name].any() and named[ATLAS_ID][probes == name].any()
    ]
    if not bare or not named["acronym"].any():
        return units, columns[:1], []
    area = find_free_name("area", list(map(str, units)))
    joined = units["acronym"].astype(object).mask(np.isin(probes, bare), units[ATLAS_ID])
    return units.assign(**{area: joined}), [area], [MIXED_AREAS(probes=bare)]


def list_qualities(units: pd.DataFrame) -> list[str]:
    """Return the columns that say how good a unit is: ``label`` where it holds words."""
    words = "label" in units and units["label"].dtype.kind not in "iuf"
    return [name for name in ("quality", *(["label"] if words else [])) if name in units]
