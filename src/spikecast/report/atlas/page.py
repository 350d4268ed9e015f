"""The directory of an atlas -> one page with a matrix to hover over, sort and click through."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage

from spikecast.core.jsonl_store import JsonlStore
from spikecast.data.areas import sort_areas
from spikecast.report.atlas import text as atlas_text
from spikecast.report.atlas.reading import Atlas
from spikecast.report.shared.pages import write_page
from spikecast.runs.layout import AtlasLayout

POOLED = "all sessions"
QUANTILES = (0, 0.25, 0.5, 0.75, 1)


def build(folder: str | Path) -> Path:
    """Write ``report.html`` of an atlas.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    RunError
        When the atlas is missing or unfinished.
    """
    atlas, layout = Atlas(Path(folder)), AtlasLayout(Path(folder))
    return write_page(
        layout.report,
        "atlas.html",
        title=atlas_text.title(atlas),
        facts=atlas_text.facts(atlas),
        verdict=atlas_text.verdict(atlas),
        limits=atlas_text.limits(atlas),
        protocol=atlas_text.protocol(atlas),
        ranking=atlas_text.ranking(atlas),
        unit=atlas.unit,
        failed=atlas.manifest["failed"],
        data=_embedded(atlas),
        script=files("spikecast.report.atlas").joinpath("atlas.js").read_text(encoding="utf-8"),
        settings=layout.settings.read_text(encoding="utf-8"),
        versions=atlas.manifest["versions"],
        command=atlas.manifest["command"],
    )


def _embedded(atlas: Atlas) -> str:
    """What the page's script draws from, as JSON that is safe inside a page."""
    views = {}
    models = list(atlas.settings.build_models())
    for model in models:
        pooled = atlas.pooled[atlas.pooled["model"] == model]
        if len(atlas.sessions) > 1:
            views[f"{POOLED}|{model}"] = _view(pooled, ["n_sessions"])
        for session in atlas.sessions:
            mine = atlas.cells.query("session == @session and model == @model")
            if len(mine):
                names = ["beyond_low", "beyond_high", "n_source", "n_target", "clear", "error"]
                views[f"{session}|{model}"] = _view(mine, names)
    content = {
        "unit": atlas.unit,
        "pooled": POOLED,
        "models": models,
        "sessions": list(atlas.sessions),
        "matched": atlas.settings.matched,
        "views": views,
        "details": _details(atlas),
    }
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def _view(table: pd.DataFrame, more: list[str]) -> dict[str, Any]:
    """Cells of one session (or all) and model, and the orders they can be shown in."""
    columns = ["source", "target", "value", "low", "high", "beyond", *more]
    # the diagonal needs no square: with other areas together as source there is one row
    sources = sort_areas(dict.fromkeys(table["source"]))
    targets = sort_areas(dict.fromkeys(table["target"]))
    return {
        "columns": columns,
        "cells": [[_plain(value) for value in row] for row in table[columns].to_numpy()],
        "orders": {
            "anatomy": [sources, targets],
            "name": [sorted(sources), sorted(targets)],
            "cluster": _clustered(table, sources, targets),
            "score": _by_score(table, sources, targets),
        },
    }


def _clustered(table: pd.DataFrame, sources: list[str], targets: list[str]) -> list[list[str]]:
    """Areas that predict and are predicted alike stand beside each other (average linkage)."""
    if len(targets) < 3 or set(sources) != set(targets):
        return [sources, targets]
    square = table.pivot(index="source", columns="target", values="value")
    matrix = square.reindex(index=targets, columns=targets).to_numpy()
    profile = np.concatenate([matrix, matrix.T], axis=1)
    profile = np.where(np.isfinite(profile), profile, np.nanmean(matrix))
    order = [targets[index] for index in leaves_list(linkage(profile, "average"))]
    return [order, order]


def _by_score(table: pd.DataFrame, sources: list[str], targets: list[str]) -> list[list[str]]:
    """Best predictors above, best predicted on the left; by mean over the others."""
    between = table[table["source"] != table["target"]]
    orders = []
    for side, names in (("source", sources), ("target", targets)):
        mean = between.groupby(side)["value"].mean()
        orders.append(sorted(names, key=lambda name: -float(mean.get(name, -np.inf))))
    return orders


def _details(atlas: Atlas) -> dict[str, Any]:
    """Folds and quantiles over neurons of every pair: session|model|pair -> list over draws."""
    found: dict[str, list] = {}
    for name, record in JsonlStore(AtlasLayout(atlas.folder).jobs).records.items():
        model, session = name.split(" | ")[:2]
        for pair, one in record.get("pairs", {}).items():
            neurons = np.array(one["neurons"], dtype=float)
            neurons = neurons[np.isfinite(neurons)]
            spread = np.quantile(neurons, QUANTILES).tolist() if neurons.size else []
            detail = {
                "folds": [_plain(value) for value in one["folds"]],
                "neurons": [_plain(value) for value in spread],
                "above": int((neurons > 0).sum()),
                "of": int(neurons.size),
                "notes": one["notes"],
            }
            found.setdefault(f"{session}|{model}|{pair}", []).append(detail)
    return found


def _plain(value: Any) -> Any:
    """A value as JSON knows it, scores to four decimals."""
    if isinstance(value, (float, np.floating)):
        return round(float(value), 4) if np.isfinite(value) else None
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    return value
