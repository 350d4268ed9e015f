"""Write one self-contained HTML file of a template, sentences, tables and figures."""

import base64
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, Environment
from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from spikecast.core.files import write_atomically, write_text
from spikecast.report.shared.audit import describe_silent_rules
from spikecast.report.shared.phone import PhoneFigure, draw_for_phone
from spikecast.report.shared.section import Drawing, Section
from spikecast.report.shared.style import allow_what_does_not_fit
from spikecast.runs.layout import Layout

RASTER_DPI = 150


@dataclass(frozen=True)
class PageFigure:
    """A figure as the page holds it: `source` is the image itself, `alt` says what it shows.

    `narrow` is the image for a phone; empty where the figure has none.
    """

    name: str
    source: str
    caption: str
    alt: str
    narrow: str = ""


def write_page(path: Path, template: str, **content: Any) -> Path:
    """Fill a template of any folder of the report, replace the page by it, return its path."""
    write_text(path, load_templates().get_template(template).render(**content))
    return path


@cache
def load_templates() -> Environment:
    """Return the templates, styles and scripts of all kinds of page, by file name."""
    folders = [folder for folder in files("spikecast.report").iterdir() if folder.is_dir()]
    texts = {
        file.name: file.read_text(encoding="utf-8")
        for folder in folders
        for file in folder.iterdir()
        if file.name.endswith((".html", ".css", ".js"))
    }
    environment = Environment(
        loader=DictLoader(texts), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["silent_rules"] = describe_silent_rules
    return environment


def draw_figure(folder: Path, drawing: Drawing) -> PageFigure:
    """Draw a figure, save it as ``figures/NAME.svg`` of a folder, and return it for the page."""
    image = to_svg(drawing.draw(drawing.subject))
    with write_atomically(Layout(folder).figure(drawing.name)) as temporary:
        temporary.write_bytes(image)
    return _place_figure(drawing, image)


def make_figure(drawing: Drawing) -> PageFigure:
    """Draw a figure, and return it for a page that is one file."""
    return _place_figure(drawing, to_svg(drawing.draw(drawing.subject)))


def _place_figure(drawing: Drawing, image: bytes) -> PageFigure:
    caption = drawing.caption.replace(" %", "\N{NO-BREAK SPACE}%")
    narrow = _draw_narrow(drawing)
    return PageFigure(drawing.name, inline_image(image), caption, drawing.alt or caption, narrow)


def _draw_narrow(drawing: Drawing) -> str:
    """Return the image of a figure for a phone: as it draws itself there, or made narrower."""
    if drawing.narrow:
        return inline_image(to_svg(drawing.narrow(drawing.subject)))
    with draw_for_phone():
        figure = drawing.draw(drawing.subject)
    fits = isinstance(figure, PhoneFigure) and not figure.is_wide
    return inline_image(to_svg(figure)) if fits else ""


def draw_section(folder: Path, section: Section) -> dict[str, Any]:
    """Return a section as templates show it: its figures are drawn."""
    return vars(section) | {
        "figures": [draw_figure(folder, drawing) for drawing in section.figures],
        "turnables": [(one.draw(one.subject, one.name), one.caption) for one in section.turnables],
    }


def to_svg(figure: Figure) -> bytes:
    """Return a figure as SVG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.set_dpi(RASTER_DPI)
    with rc_context({"svg.hashsalt": "spikecast"}), allow_what_does_not_fit():
        # savefig would draw it once more before, for a layout that is done (report_style)
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    return buffer.getvalue()


def inline_image(svg: bytes) -> str:
    """Return an SVG as the address of an image, so that a page needs no other file."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
