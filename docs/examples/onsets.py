"""Make docs/examples/onsets.md and onsets.png: ``python docs/examples/onsets.py FILE``.

From when does each area say whether there is a stimulus on the right? Seven sessions of
Steinmetz et al. 2019, areas with at least 30 neurons, one worked example of ``decode_over_time``.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import spikecast as sc

HERE = Path(__file__).parent
LEAST_NEURONS = 30
UNLABELED = ("root",)
WINDOWS = (0.02, 0.03, 0.05)

TEXT = """# When does each area know of a stimulus on the right?

Seven sessions of Steinmetz et al. (Nature 576, 266, 2019), 10 ms bins, 0 to 0.4 s after stimulus
onset; every area with at least {least} neurons ({rows} area-sessions). Label: `contrast_right > 0`.
Made by `python docs/examples/onsets.py FILE`:

```python
right = recording.trials["contrast_right"] > 0
result = sc.decode_over_time(recording, right, areas=areas, null="pseudo_session")
result.onsets, result.differences
```

**Protocol.** In every bin a linear discriminant (equal priors) on the square root of the counts of
the last 30 ms, 5 folds cut 5 times, balanced accuracy; 500 pseudo-sessions as the null (the sides
come in runs, which slow drift alone can predict; shuffled labels would be too weak); clusters of
bins (each p < 0.001) with a corrected p of at most 0.05, lasting at least 30 ms; onset where the
curve crosses the threshold. 95 % intervals: trials resampled 1000 times, decoders as they are.
"None" is an answer. Every area of a session is read from as many neurons as its smallest area has
(random draws, averaged), since a larger population is dated earlier.

Part of a significant cluster before 30 ms: {early} of {bins} bins (all areas together).

![onsets](onsets.png)

*Shown: the onset of each area and its interval, coloured by its best balanced accuracy. Not shown:
why an area knows; a late onset may be a weak signal that took long to become certain.*

{table}

Differences with an interval that excludes 0 are claims about these recorded neurons. For example,
{example}

## How much of that depends on the settings

By how much MD follows VISp in session 5, in ms, for windows of other lengths and other seeds
(folds, null and resamples drawn anew). The default window, 30 ms, was chosen with this session in
view, so read its column as a description and the others as the test:

{sensitivity}

{notes}
"""


def onsets_of(path):
    """One row per session and area; the differences of each session."""
    rows, differences, notes, early = [], [], set(), []
    for session in range(7):
        recording = sc.load(path, session)
        areas = [
            name
            for name, size in recording.areas.items()
            if size >= LEAST_NEURONS and name not in UNLABELED
        ]
        right = recording.trials["contrast_right"].to_numpy() > 0
        result = sc.decode_over_time(
            recording, right, areas=areas, null="pseudo_session", n_permutations=500
        )
        early.append(result.table.query("time < 0.03")["significant"])
        print(recording.session, result, sep="\n", flush=True)
        for table, into in ((result.onsets, rows), (result.differences, differences)):
            table.insert(0, "session", f"{session}: {recording.session}")
            into.append(table)
        notes |= set(map(str, result.notices))
    early = pd.concat(early)
    return (
        pd.concat(rows, ignore_index=True),
        pd.concat(differences, ignore_index=True),
        notes,
        (int(early.sum()), len(early)),
    )


def sensitivity_of(path):
    """The difference between VISp and MD in session 5, window by window and seed by seed."""
    recording = sc.load(path, 5)
    right = recording.trials["contrast_right"].to_numpy() > 0
    lines = [
        "| seed | " + " | ".join(f"{1000 * window:.0f} ms" for window in WINDOWS) + " |",
        "|---|" + "---|" * len(WINDOWS),
    ]
    for seed in range(5):
        cells = []
        for window in WINDOWS:
            result = sc.decode_over_time(
                recording, right, areas=["VISp", "MD"], source=sc.sources.Counts(window), seed=seed,
                null="pseudo_session", n_permutations=500,
            )  # fmt: skip
            row = result.differences.iloc[0]
            sign = 1 if row["first"] == "VISp" else -1
            low, high = sorted((sign * row["low"], sign * row["high"]))
            cells.append(f"{1000 * sign * row['difference']:.0f} [{1000 * low:.0f}, "
                         f"{milliseconds(high)}]")  # fmt: skip
        lines.append(f"| {seed} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def milliseconds(value):
    """Seconds as text in milliseconds."""
    if np.isnan(value):
        return "none"
    return f"{1000 * value:.0f}" if np.isfinite(value) else "> 400"


def as_markdown(table):
    """The onset table in Markdown."""
    lines = [
        "| session | area | neurons | onset (ms) | 95 % interval | best accuracy | at (ms) |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        known = not np.isnan(row["onset"])
        bounds = f"{milliseconds(row['low'])} to {milliseconds(row['high'])}" if known else ""
        lines.append(
            f"| {row['session']} | {row['area']} | {row['n_neurons']} | "
            f"{milliseconds(row['onset'])} | {bounds} | {row['peak']:.2f} | "
            f"{milliseconds(row['peak_time'])} |"
        )
    return "\n".join(lines)


def draw(table, path):
    """One panel per session, one line per area, earliest on top."""
    sessions = list(dict.fromkeys(table["session"]))
    sizes = [int((table["session"] == name).sum()) for name in sessions]
    figure, axes = plt.subplots(
        len(sessions), 1, figsize=(7, 0.24 * sum(sizes) + 3.2), sharex=True, height_ratios=sizes,
        layout="constrained",
    )  # fmt: skip
    colors = plt.get_cmap("viridis_r")
    shade = plt.Normalize(0.5, 1.0)
    for axis, name in zip(axes, sessions):
        part = table[table["session"] == name].sort_values("onset", na_position="last")
        for place, row in enumerate(part.to_dict("records")):
            if np.isnan(row["onset"]):
                axis.text(400, place, "none", va="center", ha="right", fontsize=7, color="0.5")
                continue
            color = colors(shade(row["peak"]))
            ends = 1000 * np.clip([row["low"], row["high"]], 0, 0.4)
            axis.plot(ends, [place, place], color=color, lw=2, solid_capstyle="butt")
            axis.plot(1000 * row["onset"], place, "o", color=color, ms=5)
        axis.set_yticks(
            range(len(part)), [f"{a} ({n})" for a, n in zip(part["area"], part["n_neurons"])],
            fontsize=7,
        )  # fmt: skip
        axis.set_ylim(len(part) - 0.4, -0.6)
        axis.set_title(name, fontsize=8, loc="left", pad=2)
        axis.grid(axis="x", color="0.9")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlim(0, 400)
    axes[-1].set_xlabel("onset of stimulus-on-the-right information (ms after the stimulus)")
    mappable = plt.cm.ScalarMappable(shade, colors)
    figure.colorbar(mappable, ax=axes, label="best balanced accuracy", shrink=0.4, aspect=30)
    figure.savefig(path, dpi=130, metadata={"Software": None})


def main(path):
    """Write the page and its figure."""
    with sc.limit_threads():
        table, differences, notes, (early, bins) = onsets_of(path)
        sensitivity = sensitivity_of(path)
    draw(table, HERE / "onsets.png")
    row = differences.query("first == 'VISp' and second == 'MD'")
    if row.empty:
        row = differences.query("first == 'MD' and second == 'VISp'")
        row = row.assign(difference=-row.difference, low=-row.high, high=-row.low)
    example = row[row.session.str.startswith("5")].iloc[0]
    sentence = (
        f"in session 5 MD follows VISp by {1000 * example.difference:.0f} ms "
        f"[{1000 * example.low:.0f}, {1000 * example.high:.0f}]."
    )
    text = TEXT.format(
        least=LEAST_NEURONS,
        rows=len(table),
        table=as_markdown(table),
        example=sentence,
        early=early,
        bins=bins,
        sensitivity=sensitivity,
        notes="\n".join(f"- Note: {note}." for note in sorted(notes)),
    )
    (HERE / "onsets.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
