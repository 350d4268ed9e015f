"""Models x targets on the seven real sessions: every area with at least 20 neurons, 5 folds.

    python benchmarks/targets.py poisson_glm timescales        # adds what is not there yet
    python benchmarks/targets.py --summary

One row per session, target and model goes to ``results/targets.csv`` as soon as it is known, so an
interrupted run goes on where it stopped. Folds, seed and source (all other areas but ``root``) are
those of ``spikecast predict``; the defaults of every model are used as they are.
"""

import argparse

import pandas as pd
from machine import REAL, RESULTS, UNLABELED, append_rows, describe

import spikecast as sc

TABLE = RESULTS / "targets.csv"
COLUMNS = ["session", "target", "model", "bits_per_spike", "low", "high", "n_neurons", "n_trials"]
COLUMNS += ["seconds_per_fit"]
MIN_NEURONS = 20
DEFAULT_MODELS = ("mean_rate", "psth", "pca_ridge", "reduced_rank", "poisson_glm", "timescales")
CLASSICAL = ("poisson_glm", "pca_ridge", "reduced_rank")
RECIPE_TARGETS = {(0, "MOs"), (2, "MOs"), (6, "MOs")}  # it takes a minute per fit
DEVELOPMENT = (1, 3, 4, 5)  # on training trials of these, settings of timescales were chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=list(DEFAULT_MODELS))
    parser.add_argument("--sessions", type=int, nargs="*", default=list(range(7)))
    parser.add_argument("--targets", nargs="*", help="only these areas")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.summary:
        measure(arguments)
    print(describe())
    print(summary())
    print(per_target(["poisson_glm", "timescales", "stack"]))
    print(against_classical("stack"))


def measure(arguments: argparse.Namespace) -> None:
    RESULTS.mkdir(exist_ok=True)
    with sc.open_executor(1000, arguments.workers) as pool:
        for index, recording in enumerate(sc.load_all(REAL)):
            if index not in arguments.sessions:
                continue
            for target in target_areas(recording):
                if arguments.targets and target not in arguments.targets:
                    continue
                models = [name for name in arguments.models if is_missing(index, target, name)]
                if models:
                    scores = sc.cross_validate(
                        models, sc.AreaToArea(target), recording, folds=5, seed=0, executor=pool
                    )
                    append(index, target, scores, models)


def target_areas(recording: sc.Recording) -> list[str]:
    """Labeled areas with enough neurons."""
    return sorted(
        area
        for area, size in recording.areas.items()
        if size >= MIN_NEURONS and area.lower() not in UNLABELED
    )


def is_missing(session: int, target: str, model: str) -> bool:
    if model == "recipe" and (session, target) not in RECIPE_TARGETS:
        return False
    if not TABLE.exists():
        return True
    done = pd.read_csv(TABLE)
    return done.query("session == @session and target == @target and model == @model").empty


def append(session: int, target: str, scores: sc.Scores, asked: list[str]) -> None:
    whole = scores.table.query("fold == 'all' and metric == 'bits_per_spike'")
    for model in [name for name in scores.models if name in asked]:
        row = whole.query("model == @model").iloc[0]
        interval = scores.interval(model)
        values = [f"{value:.4f}" for value in (interval.value, interval.low, interval.high)]
        sizes = [row["n_neurons"], row["n_test_trials"]]
        line = [session, target, model, *values, *sizes, f"{row['fit_seconds'] / 5:.2f}"]
        append_rows(TABLE, COLUMNS, [line])


def summary() -> str:
    """Mean over targets of each model, and how it compares with the GLM, target by target."""
    table = pd.read_csv(TABLE)
    scores = table.pivot(index=["session", "target"], columns="model", values="bits_per_spike")
    seconds = table.groupby("model")["seconds_per_fit"].mean()
    below = (table["bits_per_spike"] < 0).groupby(table["model"]).sum()
    glm = scores["poisson_glm"]  # as it is now; some targets have that of before only
    held_out = ~scores.index.get_level_values("session").isin(DEVELOPMENT)
    lines = [
        "| model | targets | bits/spike, mean | against poisson_glm | better on | "
        "sessions not used in development | below the null on | s per fit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for model in scores.mean().sort_values(ascending=False).index:
        mine = scores.loc[glm.notna(), model].dropna()
        if mine.empty:
            continue
        other = glm[mine.index]
        unseen = held_out[scores.index.isin(mine.index)]
        lines.append(
            f"| {model} | {len(mine)} | {mine.mean():.4f} | {mine.mean() / other.mean() - 1:+.1%} "
            f"| {(mine > other).mean():.0%} "
            f"| {mine[unseen].mean() / other[unseen].mean() - 1:+.1%} "
            f"| {below[model]} | {seconds[model]:.2f} |"
        )
    return "\n".join(lines)


def per_target(models: list[str]) -> str:
    """Scores of some models side by side, a line per session."""
    table = pd.read_csv(TABLE)
    scores = table.pivot(index=["session", "target"], columns="model", values="bits_per_spike")
    lines = [f"| session | area: {' / '.join(models)} |", "|---|---|"]
    for session, part in scores[models].dropna().groupby(level="session"):
        cells = [
            f"{target} {' / '.join(f'{value:.3f}' for value in row)}"
            for (_, target), row in zip(part.index, part.to_numpy(), strict=True)
        ]
        lines.append(f"| {session} | {'; '.join(cells)} |")
    return "\n".join(lines)


def against_classical(model: str) -> str:
    """A model against each target's best classical one by test score: stricter than any choice."""
    table = pd.read_csv(TABLE)
    scores = table.pivot(index=["session", "target"], columns="model", values="bits_per_spike")
    scores = scores.dropna(subset=[model])
    gain = scores[model] / scores[list(CLASSICAL)].max(axis=1) - 1
    cells = [
        f"{session} {', '.join(f'{target} {value:+.1%}' for (_, target), value in part.items())}"
        for session, part in gain.groupby(level="session")
    ]
    return (
        f"{model} against the best of {', '.join(CLASSICAL)}, {len(gain)} targets: better on "
        f"{(gain > 0).mean():.0%}, mean {gain.mean():+.1%}, least {gain.min():+.1%}\n"
        + "\n".join(cells)
    )


if __name__ == "__main__":
    main()
