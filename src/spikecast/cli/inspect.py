"""spikecast inspect DATA."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from spikecast.cli.app import selection_options, show, spell_cut
from spikecast.cli.options import Option, options, with_options
from spikecast.core.errors import InputError
from spikecast.data import Recording
from spikecast.data.cuts.choices import join_names, list_choices, propose_cut
from spikecast.data.cuts.units import NO_AREA
from spikecast.data.recording import UNLABELED
from spikecast.data.selection import DataChoice, Selection
from spikecast.data.session import RawSession

DATA = (
    options(Option("path", "data", metavar="DATA"), Option("session", help="only this session"))
    | selection_options()
)


@with_options
def inspect(
    data: Annotated[DataChoice, DATA],
    html: Annotated[
        bool, typer.Option("--html", help="write a page with pictures instead, of one session")
    ] = False,
    out: Annotated[Path, typer.Option(help="the page of --html")] = Path("inspect.html"),
) -> None:
    """Print what is in data: areas, neurons, trials, behaviour, what was taken, warnings.

    Of data that are not cut into trials yet: trial tables and events, units, behaviour, and the
    line to type next.
    """
    from spikecast.data.doctor import choose_examined, examine, examine_cut
    from spikecast.data.loaders import check_session, cut_opened, open_uncut

    sessions = open_uncut(data.path)
    if data.session is not None:
        check_session(data.path, data.session, len(sessions))
    if html:
        opened = sessions[_choose_session(data, len(sessions))]()
        is_cut = isinstance(opened, Recording) or data.align is not None
        _write_page(opened, cut_opened(opened, data) if is_cut else None, data, out)
        return
    for index in range(len(sessions)) if data.session is None else [data.session]:
        opened = sessions[index]()
        if isinstance(opened, RawSession) and data.align is None:
            _describe_uncut(index, opened)
            rows, _ = choose_examined(opened, data.units)
            for notice in examine(opened, rows):
                show(f"  warning: {notice}")
            number = f" --session {index}" if len(sessions) > 1 else ""
            show(f"  next: {_make_next_line(opened, data.path + number)}")
            continue
        recording = cut_opened(opened, data)
        _describe(index, recording)
        if isinstance(opened, RawSession):
            rows, _ = choose_examined(opened, data.units)
            notices = examine(opened, rows) + examine_cut(recording)
        else:
            notices = examine(recording)
        for notice in notices:
            show(f"  warning: {notice}")
        number = f" --session {index}" if len(sessions) > 1 else ""
        show(f"  next: {_make_line_of_cut(recording, data, number)}")


def _choose_session(data: DataChoice, n_sessions: int) -> int:
    if data.session is None and n_sessions > 1:
        raise InputError(
            f"'{data.path}' holds {n_sessions} sessions; choose one for the page: --session 0 to "
            f"{n_sessions - 1}"
        )
    return data.session or 0


def _write_page(
    opened: Recording | RawSession, recording: Recording | None, data: DataChoice, out: Path
) -> None:
    from spikecast.report.doctor import page

    command = shlex.join(["spikecast", *sys.argv[1:]])
    show(f"wrote {page.build(opened, out, data.units, command, recording)}")


def _describe_uncut(index: int, raw: RawSession) -> None:
    """Print what can be chosen of a session."""
    found = list_choices(raw)
    kind = "units" if raw.traces is None else "cells"
    clock = "frames" if raw.in_frames else "s"
    show(f"session {index}: {raw.session or 'unnamed'} ({raw.source}, not cut into trials yet)")
    show(f"  {len(raw.units)} {kind}, {raw.duration[0]:g} to {raw.duration[1]:g} {clock}")
    for table, (n_trials, events, others) in found.events.items():
        show(f"  trial table {table}: {n_trials} trials")
        show(f"    events: {join_names(events) or 'none'}")
        if others:
            show(f"    other columns: {join_names(others)}")
    for name, n_times in found.lists.items():
        show(f"  events {name}: {n_times} times")
    for what, columns in (("area", found.areas), ("quality", found.qualities)):
        for name, labels in columns.items():
            counted = [f"{label} {n}" for label, n in labels.items()]
            show(f"  {what} (column {name}): {join_names(counted)}")
        if not columns:
            show(f"  {what}: no column of the {kind} says it")
    others = [str(name) for name in raw.units if name not in {*found.areas, *found.qualities}]
    if others:
        show(f"  other columns of the {kind}: {join_names(others)}")
    for name, how in found.behavior.items():
        show(f"  behaviour {name}: {how}")
    if not found.behavior:
        show("  behaviour: none")
    for notice in raw.notices:
        show(f"  {'note' if notice.severity == 'minor' else 'warning'}: {notice}")


def _make_next_line(raw: RawSession, data: str) -> str:
    """Return the command that fits a session, with the first of its choices."""
    found = list_choices(raw)
    cut = spell_cut(propose_cut(found, raw.in_frames))
    areas = [area for area in next(iter(found.areas.values()), {}) if area != "none"]
    if len(areas) > 1:
        return f"spikecast predict {data} {cut} --target {shlex.quote(areas[0])}"
    if found.label:
        return f"spikecast decode {data} {cut} --label {shlex.quote(found.label)}"
    target = shlex.quote(areas[0] if areas else NO_AREA)
    return f"spikecast predict {data} {cut} --target {target} --task held_out_neurons"


def _make_line_of_cut(recording: Recording, data: DataChoice, session: str) -> str:
    """Return the command that predicts the largest area of a recording that is cut."""
    given = {name: getattr(data, name) for name in Selection.model_fields}
    cut = spell_cut(
        {
            name: ",".join(value) if isinstance(value, list) else value
            for name, value in given.items()
            if value is not None
        }
    )
    sizes = recording.areas
    named = [area for area in sizes if area.lower() not in UNLABELED] or list(sizes)
    target = max(named, key=lambda area: sizes[area])
    alone = "--task held_out_neurons" if len(named) == 1 else ""
    line = f"spikecast predict {shlex.quote(data.path)}{session} {cut}"
    return " ".join(f"{line} --target {shlex.quote(target)} {alone}".split())


def _describe(index: int, recording: Recording) -> None:
    import numpy as np

    from spikecast.data.cuts.taken import read_taken

    areas = sorted(recording.areas.items(), key=lambda pair: -pair[1])
    start, stop = recording.time[0], recording.time[-1]
    half = recording.bin_size / 2
    attributes = recording.dataset.attrs
    show(f"session {index}: {recording.session or 'unnamed'}")
    show(
        f"  {recording.n_neurons} neurons, {recording.n_trials} trials, {recording.n_bins} bins of "
        f"{1000 * recording.bin_size:g} ms ({start - half:g} to {stop + half:g} s from "
        f"{attributes['align_to']}), {recording.kind}"
    )
    if recording.kind == "counts":
        rate = recording.firing_rate
        show(
            f"  rates: median {np.median(rate):.1f} Hz, "
            f"{np.mean(rate < 0.5):.0%} of neurons below 0.5 Hz"
        )
    show("  areas: " + ", ".join(f"{name} {size}" for name, size in areas))
    if len(recording.trials.columns):
        show("  trial columns: " + ", ".join(recording.trials.columns))
    others = [name for name in recording.neurons.columns if name != "area"]
    if others:
        show("  neuron columns: " + ", ".join(others))
    show("  behaviour: " + (", ".join(recording.behavior) or "none"))
    if "event_clock" in attributes:
        show(
            f"  event times count from the {attributes['event_clock']} in the file "
            f"({attributes['event_clock_evidence']})"
        )
    for notice in read_taken(recording.dataset):
        show(f"  {'taken' if notice.severity == 'minor' else 'warning'}: {notice}")
