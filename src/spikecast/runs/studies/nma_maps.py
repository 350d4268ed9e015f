"""Study E's maps, whose points are neurons or latents: scored, and beside groups at random."""

import importlib.util
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from spikecast.analysis.geometry.embedding import Points, embed
from spikecast.core.notices import NoticeKind
from spikecast.core.seeding import make_rng
from spikecast.runs.studies.nma_network import fit_planes_together
from spikecast.runs.studies.nma_planes import (
    BEFORE,
    Planes,
    average_pairs,
    cut_planes,
    draw_neurons,
    list_firing,
    mix_planes,
    normalise_drawn,
)
from spikecast.runs.studies.staircase import score_step
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Column, Measure, StudyInputs

HELD_OUT = 0.3  # of the points
MOST_POINTS = 4000
MOST_NEIGHBORS = 15
N_RESAMPLES = 1000
ALPHA = 0.05
FEWEST = 5  # neurons of a kind whose firing is compared
TRAITS = {
    "mean_activity": "activity before normalising",
    "follows_plane": "correlation with the rest of their plane",
    "follows_running": "correlation with running",
}
"""Neuron column -> what it is called."""

KINDS = {"raw": "neurons", "latents": "latents"}
METHODS = {"umap": "UMAP", "pca": "PCA"}

NO_SUPERVISED = NoticeKind(
    "no_supervised", "minor", "only UMAP can be told the planes, and this run made maps by {method}"
)
FEW_OF_ANOTHER_PLANE = NoticeKind(
    "few_of_another_plane",
    "minor",
    "In this run {n} of {n_all} neurons held out lie among those of another plane: too few of one "
    "kind to be compared with the others.",
)
PLANES_TOLD = NoticeKind(
    "planes_told",
    "serious",
    "In this run {own:.0%} of the {points} held out from the map lie among those of their own "
    "plane ({chance:.0%} where planes are shuffled), {each}. Of groups drawn at random from all "
    "planes, put through the same steps, {mixed:.0%} lie among their own group: {what}.",
)
OF_ANOTHER_PLANE = NoticeKind(
    "other_planes",
    "minor",
    "In this run {n} of {n_all} neurons that the map had not seen lie among neurons of another "
    "plane{adjacent}. {firing}.",
)


def choose_method(settings: dict[str, Any]) -> str:
    """Return the method of the maps: the deck's where its package is installed."""
    missing = settings["map"] == "umap" and importlib.util.find_spec("umap") is None
    return "pca" if missing else str(settings["map"])


def list_points(planes: Planes) -> tuple[np.ndarray, np.ndarray]:
    """Return the courses of the neurons of all planes, (time, neuron), and their planes."""
    courses = np.concatenate([x.reshape(-1, x.shape[2]) for x in planes.values()], axis=1)
    return courses, np.repeat([*planes], [x.shape[2] for x in planes.values()])


def list_latents(latents: np.ndarray, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the courses of the latents of all planes, (time, latent), and their planes."""
    return np.concatenate([*latents], axis=1), np.repeat(names, latents.shape[2])


def draw_map(
    courses: np.ndarray, plane: np.ndarray, method: str, supervised: bool, seed: int
) -> dict[str, Any]:
    """Return a map of courses (time, point): places, who was held out, and neighbours.

    ``told`` is the plane of most of a point's nearest neighbours among the points that the map was
    learnt from, itself left out; ``own_share`` the share of these of the point's own plane.
    """
    n_planes = np.unique(plane).size
    n_neighbors = min(MOST_NEIGHBORS, max(3, len(plane) // (4 * n_planes)))
    made = embed(
        courses[np.newaxis], method, Points("neurons", HELD_OUT, MOST_POINTS), labels=plane,
        supervised=supervised, n_neighbors=n_neighbors, n_seeds=1, seed=seed,
    )  # fmt: skip
    place, new = made.table[["x", "y"]].to_numpy(), made.table["held_out"].to_numpy(dtype=bool)
    names, codes = np.unique(made.table["label"].to_numpy().astype(str), return_inverse=True)
    search = NearestNeighbors(n_neighbors=n_neighbors).fit(place[~new])
    near = np.empty((len(place), n_neighbors), dtype=int)
    near[~new] = search.kneighbors(return_distance=False)
    near[new] = search.kneighbors(place[new], return_distance=False)
    votes = codes[~new][near]  # (point, neighbour)
    counts = np.stack([(votes == code).sum(axis=1) for code in range(names.size)], axis=1)
    (row,) = made.scores.query("score == 'knn_accuracy'").to_dict("records")
    return {
        "place": place,
        "held_out": new,
        "point": made.table["point"].to_numpy(),
        "plane": names[codes],
        "told": names[counts.argmax(axis=1)],
        "own_share": counts[np.arange(len(place)), codes] / n_neighbors,
        "chance": row["chance"],
        "p": row["p"],
    }


def measure_map(name: str, found: Arrays, seed: int, *, seen: bool = False) -> Measure:
    """Return the share of points among their own plane: held-out ones, or those it learnt from.

    Every plane weighs the same. Where all points are right, or none, resampling gives no interval;
    it is then that of a binomial share.
    """
    which = ~found["held_out"] if seen else found["held_out"]
    scored = score_step(name, found["plane"][which], found["told"][which], balanced=True, seed=seed)
    scored = replace(scored, unit="share")
    reach = 1 - (ALPHA / 2) ** (1 / max(int(which.sum()), 1))
    if scored.number == 1:
        scored = replace(scored, low=1 - reach)
    elif scored.number == 0:
        scored = replace(scored, high=reach)
    if seen:
        return scored
    return replace(scored, chance=float(found["chance"]), p=float(found["p"]), n_permutations=1000)


def join_maps(maps: dict[str, Arrays], label: str = "plane") -> Arrays:
    """Return maps of the same points as one figure draws them, coloured by what `label` names."""
    first = next(iter(maps.values()))
    places = {f"place_{name}": found["place"] for name, found in maps.items()}
    return places | {f"label_{label}": first["plane"], "held_out": first["held_out"]}


def show_maps(column: Column, inputs: StudyInputs, planes: Planes, latents: np.ndarray) -> None:
    """Draw the deck's maps, which it showed without a score."""
    method = choose_method(inputs.settings)
    points = {
        "raw": list_points(planes), "latents": list_latents(latents, [*planes])
    }  # fmt: skip
    for kind, (courses, plane) in points.items():
        maps = {}
        for supervised in (False, True)[: 1 + (method == "umap")]:
            name = name_map(method, supervised)
            draw = draw_map, courses, plane, method, supervised, inputs.seed
            maps[name] = inputs.steps.compute(f"{name} of {kind}", *draw)
            key = name_row(kind, supervised)
            column.add(key, Measure(f"{KINDS[kind]} on a map by {name}", None, "picture"))
            column.claim(key, metric="map", value=None, picture=True)
        column.arrays[f"maps_{kind}"] = join_maps(maps)
    _lack_supervised(column, method)


def _lack_supervised(column: Column, method: str) -> None:
    """Say why there are no maps that were told the planes, where there are none."""
    if method != "umap":
        for kind in KINDS:
            column.lacks[name_row(kind, True)] = NO_SUPERVISED(method=method)


def name_map(method: str, supervised: bool) -> str:
    """Return what a map is called on the page."""
    return f"{'supervised ' * supervised}{METHODS.get(method, method)}"


def name_row(kind: str, supervised: bool) -> str:
    """Return the key of the row of one kind of map."""
    return f"map_{kind}{'_told' * supervised}"


def score_maps(
    column: Column, inputs: StudyInputs, latents: np.ndarray, mixed_latents: np.ndarray
) -> None:
    """Fill in how well maps tell planes, beside groups of neurons drawn at random."""
    settings, seed = inputs.settings, inputs.seed
    method = choose_method(settings)
    recording = inputs.recording
    before = recording.dataset[BEFORE].values
    drawn = draw_neurons(recording, settings, seed, "fit")
    mixed = mix_planes(drawn, seed)
    raw = list_points(cut_planes(recording.activity[0], drawn))
    cases = {
        "raw": (raw, list_points(cut_planes(normalise_drawn(before, mixed), mixed))),
        "latents": (list_latents(latents, [*drawn]), list_latents(mixed_latents, [*mixed])),
    }
    shown: dict[tuple[bool, str], Arrays] = {}
    for kind, (own, others) in cases.items():
        for supervised in (False, True)[: 1 + (method == "umap")]:
            name = name_map(method, supervised)
            found, control = (
                inputs.steps.compute(
                    f"{name} of {kind}, {what}", draw_map, *points, method, supervised, seed
                )
                for what, points in (("planes", own), ("mixed", others))
            )
            _fill_row(column, kind, supervised, found, control, seed)
            if kind == "raw":
                shown |= {(supervised, "planes"): found, (supervised, "mixed"): control}
    column.arrays["maps_mixed"] = join_maps(
        {name_map(method, told): found for (told, what), found in shown.items()
         if what == "mixed"},
        label="group",
    )  # fmt: skip
    found = shown[False, "planes"]
    drawn_rows = np.concatenate([*drawn.values()])
    _list_neurons_among_others(column, inputs, found, drawn_rows)
    _lack_supervised(column, method)
    if method != "umap":
        return
    plain = list_points(cut_planes(average_pairs(before), drawn))
    _take_steps(column, inputs, shown[True, "planes"], plain)


def _fill_row(
    column: Column, kind: str, supervised: bool, found: Arrays, control: Arrays, seed: int
) -> None:
    """Fill in one row of maps and what it shows."""
    key, points = name_row(kind, supervised), KINDS[kind]
    how = "told the planes" if supervised else "not told the planes"
    n = int(found["held_out"].sum())
    own = measure_map(f"{n} {points} held out from a map {how}", found, seed)
    mixed = measure_map("the same of groups drawn at random from all planes", control, seed)
    column.add(key, own, mixed)
    column.claim(key, metric="balanced_accuracy", null="shuffled planes")
    values = {"own": own.number, "mixed": mixed.number, "chance": own.chance, "points": points}
    said = PLANES_TOLD(what=judge_map(own, mixed), each=compare_planes(found), **values)
    column.because[key] = [said]
    if not supervised:
        column.conclusions.append(said)


def compare_planes(found: Arrays) -> str:
    """Return in which planes most held-out points lie among their own, and the two extremes."""
    new = found["held_out"]
    plane, right = found["plane"][new], (found["plane"] == found["told"])[new]
    shares = {str(name): float(right[plane == name].mean()) for name in np.unique(plane)}
    low, high = (choose(shares, key=lambda name: shares[name]) for choose in (min, max))
    n_most = sum(share > 0.5 for share in shares.values())
    if shares[low] == shares[high]:
        return f"as many in each of {len(shares)} planes"
    return (
        f"from {shares[low]:.0%} in {low} to {shares[high]:.0%} in {high}, and most of them in "
        f"{n_most} of {len(shares)} planes"
    )


def judge_map(own: Measure, mixed: Measure) -> str:
    """Return what a map shows of planes, given the same of groups at random."""
    assert own.low is not None
    assert mixed.high is not None
    assert mixed.p is not None
    assert own.p is not None
    if own.p > ALPHA:
        return "the map does not tell the planes apart"
    # two independent shares: their difference against the limits of both
    if own.number - mixed.number > np.hypot(own.number - own.low, mixed.high - mixed.number):
        rest = "" if mixed.p > ALPHA else ", though the steps make a part of it"
        return f"points of a plane lie together beyond what the steps make{rest}"
    return "it cannot be told whether the planes did it or the steps that precede the map"


def _take_steps(
    column: Column, inputs: StudyInputs, told: Arrays, plain: tuple[np.ndarray, np.ndarray]
) -> None:
    """Fill in the steps from the picture of a supervised map to maps that were told nothing."""
    seed = inputs.seed
    found = inputs.steps.compute(
        "UMAP of raw, not normalised", draw_map, *plain, "umap", False, seed
    )
    undivided = measure_map("the same, neurons not divided by their plane's mean", found, seed)
    column.add("map_raw", *column.measures["map_raw"], undivided)
    column.steps["maps"] = {
        "seen": measure_map("", told, seed, seen=True),
        "unseen": measure_map("", told, seed),
        "untold": column.measures["map_raw"][0],
        "plain": undivided,
    }


def _list_neurons_among_others(
    column: Column, inputs: StudyInputs, found: Arrays, rows: np.ndarray
) -> None:
    """Fill in the neurons whose neighbours are of another plane: where they lie, how they fire."""
    new = found["held_out"]
    table = list_firing(inputs.recording).iloc[rows[found["point"][new]]].reset_index(drop=True)
    table["neighbours_of"] = found["told"][new]
    table["share_of_own_plane"] = found["own_share"][new]
    strange = (table["plane"] != table["neighbours_of"]).to_numpy()
    column.tables["neighbours"] = table[strange].reset_index(drop=True)
    names = [*np.unique(table["plane"])]
    place = {name: number for number, name in enumerate(names)}
    ranks = table["plane"].map(place).to_numpy(), table["neighbours_of"].map(place).to_numpy()
    matrix = np.zeros((len(names), len(names)))
    np.add.at(matrix, ranks, 1)
    column.arrays["other_planes"] = {
        "matrix": matrix,
        "names": np.array(names),
        "strange": strange,
    } | {name: table[name].to_numpy() for name in ("x", "y", *_list_traits(table)) if name in table}
    n, n_all = int(strange.sum()), strange.size
    share = Measure(
        "held-out neurons whose neighbours are mostly of another plane", n / n_all, "share",
        n=n_all, chance=1 - float(found["chance"]),
    )  # fmt: skip
    if n < FEWEST or n > n_all - FEWEST:
        column.add("neighbours", share)
        column.because["neighbours"] = [FEW_OF_ANOTHER_PLANE(n=n, n_all=n_all)]
        return
    apart = np.abs(ranks[0] - ranks[1])[strange]
    expected = np.array(
        [np.mean([abs(own - other) == 1 for other in range(len(names)) if other != own])
         for own in ranks[0][strange]]
    )  # fmt: skip
    adjacent = Measure(
        "of these, among neurons of an adjacent plane", float(np.mean(apart == 1)), "share", n=n,
        chance=float(expected.mean()),
    )  # fmt: skip
    compared = _compare_firing(table, strange, inputs.seed)
    firing = _describe_differences(compared)
    said = ""
    if len(names) > 2:  # of two planes the other one is always adjacent
        said = (
            f", {adjacent.number:.0%} of these among those of an adjacent one (were all other "
            f"planes alike: {expected.mean():.0%})"
        )
    column.add("neighbours", share, adjacent if said else None, *compared)
    column.because["neighbours"] = [
        OF_ANOTHER_PLANE(n=n, n_all=n_all, adjacent=said, firing=firing)
    ]


def _list_traits(table: pd.DataFrame) -> list[str]:
    return [name for name in TRAITS if name in table]


def _compare_firing(table: pd.DataFrame, strange: np.ndarray, seed: int) -> list[Measure]:
    """Return the difference in the mean of each trait, those among another plane minus the others.

    It is in standard deviations over all these neurons; its interval is by resampling neurons.
    """
    measures = []
    for name in _list_traits(table):
        values = table[name].to_numpy(dtype=float)
        values = (values - values.mean()) / max(values.std(), 1e-9)
        rng = make_rng(seed, "nma-layers", name)
        means = [
            rng.choice(part, (N_RESAMPLES, part.size)).mean(axis=1)
            for part in (values[strange], values[~strange])
        ]
        low, high = (float(limit) for limit in np.quantile(means[0] - means[1], [0.025, 0.975]))
        value = float(values[strange].mean() - values[~strange].mean())
        measures.append(
            Measure(f"{TRAITS[name]}, minus that of the others", value, "sd", low, high)
        )
    return measures


def _describe_differences(compared: list[Measure]) -> str:
    """Return in words which traits of the neurons among another plane's differ."""
    words: dict[str, list[str]] = {}
    for measure in compared:
        assert measure.low is not None
        assert measure.high is not None
        how = "higher" if measure.low > 0 else "lower" if measure.high < 0 else "alike"
        words.setdefault(how, []).append(measure.name.split(",")[0])
    said = [
        f"They are {how} than the others in {' and '.join(words[how])}"
        for how in ("higher", "lower")
        if how in words
    ]
    if "alike" in words:
        said.append(f"No difference from the others was found in {' and '.join(words['alike'])}")
    return ". ".join(said)


def fit_mixed(inputs: StudyInputs, model: Any, fold: Any) -> np.ndarray:
    """Return the latents, (group, time, latent), of the same network on groups at random."""
    drawn = mix_planes(
        draw_neurons(inputs.recording, inputs.settings, inputs.seed, "fit"), inputs.seed
    )
    activity = normalise_drawn(inputs.recording.dataset[BEFORE].values, drawn)
    groups = cut_planes(activity, drawn)
    fit = fit_planes_together, model, groups, fold, groups
    return inputs.steps.compute("one network for groups at random", *fit)["latents"]
