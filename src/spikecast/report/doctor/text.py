"""Sentences of the page of the doctor: headline, what was looked for, limits."""

from collections.abc import Callable
from typing import NamedTuple

from spikecast.report.doctor.material import Material
from spikecast.report.shared.formatting import format_count
from spikecast.report.shared.section import Table


class Check(NamedTuple):
    """A row of the table of checks: its name, the codes of its notices, and what it needs."""

    name: str
    codes: tuple[str, ...]
    needs: str = ""
    is_possible: Callable[[Material], bool] = lambda material: True
    within: Callable[[Material], str] = lambda material: ""


def _can_see_drift(material: Material) -> bool:
    return material.drift is not None and material.drift.is_visible


def _tell_judged(material: Material) -> str:
    """Return in how many units half of the spikes could be foreign unseen."""
    intervals = material.intervals
    n_units = len(material.area)
    if intervals is None or intervals.n_judged == n_units:
        return ""
    return f", in the {intervals.n_judged} of {n_units} units with spikes enough to tell"


SESSION_CHECKS: tuple[Check, ...] = (
    Check("spike times in seconds, within the session",
          ("spikes_not_seconds", "spikes_too_fast", "spikes_outside"),
          "spikes", lambda one: one.presence is not None),
    Check("refractory violations", ("contaminated",), "spikes in seconds",
          lambda one: one.intervals is not None, _tell_judged),
    Check("units lost or appearing, gaps", ("lost_units", "gaps"), "spikes in seconds",
          lambda one: one.intervals is not None),
    Check("spikes too small to be detected", ("amplitude_cutoff",),
          "amplitudes of the spikes, or a column 'amplitude_cutoff'",
          lambda one: one.has_amplitudes),
    Check("one neuron as two units", ("units_twice",), "spikes in seconds",
          lambda one: one.twins is not None),
    Check("events in seconds, within the recording",
          ("not_seconds", "events_outside", "table_longer"), "events",
          lambda one: bool(one.clocks)),
    Check("trials in order, none within another",
          ("events_out_of_order", "trials_overlap", "sorted_rows"), "events",
          lambda one: bool(one.clocks)),
    Check("labels that come in runs", ("labels_in_runs",), "a trial table",
          lambda one: one.has_table),
    Check("responses that come later and later (clocks)", ("clock_drift",),
          "a clear response to an event with 60 trials", _can_see_drift),
)  # fmt: skip
RECORDING_CHECKS: tuple[Check, ...] = (
    Check("bins in seconds", ("bins_not_seconds",)),
    Check("silent neurons, neurons without an area", ("silent", "unlabeled")),
    Check("stretches in which no neuron fires", ("silence",)),
    Check("one neuron twice", ("recorded_twice", "duplicate")),
    Check("one trial twice", ("copied_trials",)),
    Check("areas that differ in capitals or spaces only", ("areas_alike",)),
    Check("neurons lost, appearing or drifting", ("lost_neurons", "drift"), "several trials",
          lambda one: one.presence is not None),
    Check("trials or neurons sorted by something",
          ("sorted_trials", "sorted_rows", "trials_sorted_by_activity", "neurons_sorted")),
    Check("labels that come in runs", ("labels_in_runs",)),
    Check("responses that come later and later (clocks)", ("clock_drift",),
          "a clear response, bins of at most 20 ms and 60 trials", _can_see_drift),
    Check("enough trials", ("few_trials",)),
)  # fmt: skip

SESSION_LIMITS = [
    "What is not found may still be there: each check has a least size of the fault that it finds "
    "(docs/doctor.md).",
    "A clock that is off by the same time throughout looks like a latency, and is not seen.",
    "Refractory violations say nothing of foreign spikes from a neuron that fires at other times, "
    "nor of two units that the sorter joined although neither fires near the other.",
]
RECORDING_LIMITS = [
    "This recording is cut and binned: refractory violations, amplitudes, the clock of the events "
    "and what lies between trials cannot be seen any more. Look at the original where you have it.",
    SESSION_LIMITS[0],
]


def make_headline(material: Material) -> list[str]:
    """Return the first sentences of the page."""
    serious = [one for one in material.notices if one.severity != "minor"]
    minor = len(material.notices) - len(serious)
    if not material.notices:
        return ["Nothing was found that needs attention."]
    if not serious:
        return [f"Nothing serious was found; {format_count(minor, 'thing')} good to know."]
    more = f" ({minor} more good to know)" if minor else ""
    return [f"{format_count(len(serious), 'thing')} may mislead an analysis{more}."]


def make_check_table(material: Material, checks: tuple[Check, ...]) -> Table:
    """Return the table of what was looked for, what was found, and what could not be looked for."""
    rows = []
    for check in checks:
        found = sum(one.code in check.codes for one in material.notices)
        if found:
            said = "found" if found == 1 else f"found, {found} times"
            said += check.within(material)
        elif check.is_possible(material):
            said = f"nothing{check.within(material)}"
        else:
            said = f"cannot be told: needs {check.needs}"
        rows.append([check.name, said])
    return Table(["looked for", "result"], rows, n_words=2)


def make_pair_table(material: Material, most: int = 20) -> Table | None:
    """Return the pairs that look like one neuron twice."""
    if material.twins is None or not len(material.twins.pairs):
        return None
    rows = []
    for first, second, share in material.twins.pairs[["first", "second", "share"]].to_numpy()[
        :most
    ]:
        one, other = int(first), int(second)
        rows.append(
            [
                material.names[one],
                str(material.area[one]),
                material.names[other],
                str(material.area[other]),
                f"{share:.0%}",
            ]
        )
    left = len(material.twins.pairs) - len(rows)
    title = f"The {most} clearest of {len(rows) + left} pairs." if left else ""
    columns = [material.unit, "area", f"second {material.unit}", "its area", "shared spikes"]
    return Table(columns, rows, n_words=4, title=title)
