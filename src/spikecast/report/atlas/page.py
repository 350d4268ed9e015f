"""The page of an atlas: a matrix to hover over, sort and click through."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage

from spikecast.core.jsonl_store import JsonlStore
from spikecast.core.stored import read_text
from spikecast.data.areas import sort_areas
from spikecast.report.atlas import text
from spikecast.report.atlas.reading import Atlas
from spikecast.report.shared.pages import write_page
from spikecast.runs.atlas.contents import StoredJob
from spikecast.runs.atlas.plan import split_name
from spikecast.runs.layout import AtlasLayout

POOLED = "all sessions"
QUANTILES = (0, 0.25, 0.5, 0.75, 1)


def build(folder: str | Path) -> Path:
    """Write ``report.html`` of an atlas; RunError where it is missing or unfinished."""
    atlas, layout = Atlas(Path(folder)), AtlasLayout(Path(folder))
    return write_page(
        layout.report,
        "atlas.html",
        title=text.TITLE,
        facts=text.recording_line(atlas),
        verdict=text.verdict(atlas),
        limits=text.limits(atlas),
        protocol=text.protocol(atlas),
        ranking=text.ranking(atlas),
        unit=atlas.metric.label,
        rung=text.name_rungs(atlas),
        above=atlas.settings.above,
        failed=atlas.manifest["failed"],
        data=_embed_data(atlas),
        script=files("spikecast.report.atlas").joinpath("atlas.js").read_text(encoding="utf-8"),
        settings=read_text(layout.settings),
        versions=atlas.manifest["versions"],
        command=atlas.manifest["command"],
    )


def _embed_data(atlas: Atlas) -> str:
    """Return what the page's script draws from, as JSON that is safe inside a page."""
    views = {}
    models = atlas.settings.labels
    for model in models:
        pooled = atlas.pooled[atlas.pooled["model"] == model]
        if len(atlas.sessions) > 1:
            views[f"{POOLED}|{model}"] = _make_view(pooled, ["n_tested", "n_sessions"])
        for session in atlas.sessions:
            cells = atlas.cells.query("session == @session and model == @model")
            if len(cells):
                names = ["p", "p_corrected", "n_source", "n_target", "untested", "error"]
                views[f"{session}|{model}"] = _make_view(cells, names)
    content = {
        "unit": atlas.metric.label,
        "rung": text.name_rungs(atlas),
        "above": atlas.settings.above,
        "pooled": POOLED,
        "models": models,
        "sessions": list(atlas.sessions),
        "matched": atlas.settings.matched,
        "views": views,
        "details": _collect_details(atlas),
    }
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def _make_view(table: pd.DataFrame, more: list[str]) -> dict[str, Any]:
    """Return the cells of one session (or all) and model, and the orders to show them in."""
    columns = ["source", "target", "value", "low", "high", "train_mean", "trial_shuffle"]
    columns += ["passes", *more]
    # the diagonal needs no square: with other areas together as source there is one row
    sources = sort_areas(dict.fromkeys(table["source"]))
    targets = sort_areas(dict.fromkeys(table["target"]))
    return {
        "columns": columns,
        "cells": [[_round_value(value) for value in row] for row in table[columns].to_numpy()],
        "orders": {
            "anatomy": [sources, targets],
            "name": [sorted(sources), sorted(targets)],
            "cluster": _order_by_cluster(table, sources, targets),
            "score": _order_by_score(table, sources, targets),
        },
    }


def _order_by_cluster(
    table: pd.DataFrame, sources: list[str], targets: list[str]
) -> list[list[str]]:
    """Return areas that predict and are predicted alike beside each other (average linkage)."""
    if len(targets) < 3 or set(sources) != set(targets):
        return [sources, targets]
    square = table.pivot(index="source", columns="target", values="value")
    matrix = square.reindex(index=targets, columns=targets).to_numpy()
    profile = np.concatenate([matrix, matrix.T], axis=1)
    profile = np.where(np.isfinite(profile), profile, np.nanmean(matrix))
    order = [targets[index] for index in leaves_list(linkage(profile, "average"))]
    return [order, order]


def _order_by_score(table: pd.DataFrame, sources: list[str], targets: list[str]) -> list[list[str]]:
    """Return best predictors first, and best predicted first; by mean over the others."""
    between = table[table["source"] != table["target"]]
    orders = []
    for side, names in (("source", sources), ("target", targets)):
        mean = between.groupby(side)["value"].mean()
        orders.append(sorted(names, key=lambda name: -float(mean.get(name, -np.inf))))
    return orders


def _collect_details(atlas: Atlas) -> dict[str, Any]:
    """Return folds and quantiles over neurons: session|model|pair -> list over draws."""
    details: dict[str, list] = {}
    for name, record in JsonlStore(AtlasLayout(atlas.folder).jobs, StoredJob).records.items():
        model, session = split_name(name)
        if model not in atlas.settings.labels:
            continue  # the ridge is done for its shift tests alone
        for pair, one in record.get("pairs", {}).items():
            neurons = np.array(one["neurons"], dtype=float)
            neurons = neurons[np.isfinite(neurons)]
            spread = np.quantile(neurons, QUANTILES).tolist() if neurons.size else []
            detail = {
                "folds": [_round_value(value) for value in one["folds"]],
                "neurons": [_round_value(value) for value in spread],
                "above": int((neurons > 0).sum()),
                "of": int(neurons.size),
                "notes": list(map(str, one["notices"])),
            }
            details.setdefault(f"{session}|{model}|{pair}", []).append(detail)
    return details


def _round_value(value: Any) -> Any:
    """Return a value as JSON knows it, scores to four decimals."""
    if isinstance(value, (float, np.floating)):
        return round(float(value), 4) if np.isfinite(value) else None
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    return value
