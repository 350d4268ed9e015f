"""The page of the doctor: notices, what was looked for, and pictures of it."""

from dataclasses import replace
from pathlib import Path

from spikecast.core.errors import InputError
from spikecast.data.cuts.taken import read_taken
from spikecast.data.doctor import choose_examined, examine_cut
from spikecast.data.recording import Recording
from spikecast.data.session import RawSession
from spikecast.report.doctor import figures, text
from spikecast.report.doctor.material import Material, collect_recording, collect_session
from spikecast.report.shared.pages import make_figure, write_page
from spikecast.report.shared.section import Drawing, Section


def build(
    subject: RawSession | Recording,
    path: str | Path,
    units: list[str] | None = None,
    command: str = "",
    recording: Recording | None = None,
) -> Path:
    """Write the page of a session, or of a recording, and return its path.

    Parameters
    ----------
    subject : RawSession or Recording
        A recording shows less: it is cut and binned.
    path : str or Path
        Of the page; one HTML file without any other. An existing one is replaced.
    units : list of str, optional
        Labels of the quality column of the units to look at, or ``["all"]``.
    command : str
        That made the page.
    recording : Recording, optional
        That the session was cut into: what was taken, and what it shows beyond the session.

    Raises
    ------
    InputError
        When the path does not end in .html.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise InputError(f"'{path}' must end in .html")
    is_cut = isinstance(subject, Recording)
    if isinstance(subject, Recording):
        material, recording = collect_recording(subject), subject
    else:
        material = collect_session(subject, *choose_examined(subject, units))
        more = [] if recording is None else examine_cut(recording)
        material = replace(material, notices=[*material.notices, *more])
    taken = [] if recording is None else read_taken(recording.dataset)
    said = {str(one) for one in material.notices}
    wrong = [one for one in taken if one.severity != "minor" and str(one) not in said]
    material = replace(material, notices=[*wrong, *material.notices])
    checks = text.RECORDING_CHECKS if is_cut else text.SESSION_CHECKS
    sections = _make_sections(material)
    return write_page(
        path,
        "doctor.html",
        material=material,
        headline=text.make_headline(material),
        serious=[str(one) for one in material.warnings if one.severity != "minor"],
        minor=[str(one) for one in material.warnings if one.severity == "minor"],
        taken=[str(one) for one in taken if one.severity == "minor"],
        checks=text.make_check_table(material, checks),
        limits=text.RECORDING_LIMITS if is_cut else text.SESSION_LIMITS,
        sections=[
            vars(section) | {"figures": [make_figure(one) for one in section.figures]}
            for section in sections
        ],
        command=command,
    )


def _make_sections(material: Material) -> list[Section]:
    made = (
        _show_activity(material),
        _show_presence(material),
        _show_intervals(material),
        _show_twins(material),
        _show_events(material),
        _show_responses(material),
    )
    return [section for section in made if section is not None]


def _show_activity(material: Material) -> Section | None:
    if material.excerpt is None:
        return None
    caption = (
        f"Left: every {material.unit} a row, coloured by area. Right: how active the "
        f"{material.unit}s of the largest areas are; dotted: the median of all."
    )
    drawing = Drawing("activity", figures.draw_activity_figure, material, caption)
    return Section("A piece of the activity", figures=[drawing])


def _show_presence(material: Material) -> Section | None:
    presence = material.presence
    if presence is None:
        return None
    n = int(presence.absent.sum())
    caption = (
        f"Above: mean rate of the largest areas. Below: every {material.unit} a row, the darker "
        "the nearer to its own highest rate; white is silence. "
        + (f"Orange: the {n} that fall silent or appear." if n else "None falls silent or appears.")
    )
    drawing = Drawing("presence", figures.draw_presence, material, caption)
    return Section("Rate and presence", figures=[drawing])


def _show_intervals(material: Material) -> Section | None:
    intervals = material.intervals
    if intervals is None:
        return None
    caption = (
        "Every unit a dot: the share of its spikes that must be another neuron's for its "
        "refractory violations to arise. Found are units that are above a tenth (dotted) beyond "
        "chance; with few spikes a single violation is a high share, so that grey ones above the "
        "line say nothing."
    )
    drawings = [Drawing("contamination", figures.draw_contamination, material, caption)]
    if intervals.shown:
        n = sum(found for _, _, found in intervals.shown)
        which = "found, the worst first" if n else "nearest to it; none was found"
        caption = (
            f"Autocorrelograms of units ({which}), each with its share of foreign spikes. A single "
            "neuron has no pair in the shaded refractory period."
        )
        drawings.append(
            Drawing("autocorrelograms", figures.draw_autocorrelograms, material, caption)
        )
    return Section("Spikes that come too soon", figures=drawings)


def _show_twins(material: Material) -> Section | None:
    if material.twins is None:
        return None
    section = Section("One neuron twice?")
    if not len(material.twins.pairs):
        section.sentences.append(
            f"No two {material.unit}s share more of their spikes, at the same moment, than the "
            "moments before and after make likely."
        )
        return section
    table = text.make_pair_table(material)
    section.tables += [table] if table else []
    if material.twins.shown:
        caption = (
            "Cross-correlograms of the pairs, the clearest first, each with the share of spikes in "
            "the peak. Two neurons that drive each other have a broad or late peak; one neuron "
            "twice has a needle at 0."
        )
        section.figures.append(Drawing("pairs", figures.draw_pairs, material, caption))
    if len(set(material.area)) > 1:
        caption = (
            "Number of such pairs within areas (diagonal) and between them. A pair between two "
            "areas makes one predict the other."
        )
        section.figures.append(Drawing("area-pairs", figures.draw_area_pairs, material, caption))
    return section


def _show_events(material: Material) -> Section | None:
    if not material.clocks:
        return None
    caption = (
        "Every event a line; blue: the time for which there are spikes. Orange events lie outside."
    )
    drawing = Drawing("events", figures.draw_events, material, caption)
    return Section("Events and the recording", figures=[drawing])


def _show_responses(material: Material) -> Section | None:
    drift = material.drift
    if drift is None:
        return None
    if drift.is_clear:
        shift = f"{1000 * drift.shift:+.0f} ms"
        said = f"Orange: the shift found, {shift} from the first to the last trial."
    elif drift.is_visible:
        said = "A response that stays in place is a straight column; none that moves was found."
    else:
        said = "No response is clear enough for a shift of 60 ms to show."
    caption = f"Mean activity around '{drift.name}' in twelve blocks of trials. {said}"
    drawing = Drawing("responses", figures.draw_responses, material, caption)
    return Section("Responses over the session", figures=[drawing])
