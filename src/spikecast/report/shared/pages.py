"""Make one self-contained HTML file of templates and figures."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import DictLoader, Environment
from matplotlib import rc_context
from matplotlib.figure import Figure

from spikecast.core.files import write_atomically

RASTER_DPI = 150


@dataclass(frozen=True)
class Shown:
    """A figure on the page."""

    name: str
    source: str
    caption: str
    alt: str


@cache
def templates() -> Environment:
    """Return the templates, styles and scripts of all kinds of page, by file name."""
    folders = [folder for folder in files("spikecast.report").iterdir() if folder.is_dir()]
    pages = {
        file.name: file.read_text(encoding="utf-8")
        for folder in folders
        for file in folder.iterdir()
        if file.name.endswith((".html", ".css", ".js"))
    }
    return Environment(
        loader=DictLoader(pages), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def shown(
    folder: Path, name: str, draw: Callable[..., Figure], subject: object, caption: str
) -> Shown:
    """Draw a figure, save it as SVG, and return it for the page."""
    drawn = svg(draw(subject))
    with write_atomically(folder / "figures" / f"{name}.svg") as temporary:
        temporary.write_bytes(drawn)
    alt = " ".join((draw.__doc__ or name).split())
    caption = caption.replace(" %", "\N{NO-BREAK SPACE}%")
    return Shown(name, inlined(drawn), caption, alt)


def svg(figure: Figure) -> bytes:
    """A figure as SVG; the same figure gives the same bytes."""
    drawn = io.BytesIO()
    with rc_context({"svg.hashsalt": "spikecast"}):
        figure.savefig(drawn, format="svg", dpi=RASTER_DPI, metadata={"Date": None})
    return drawn.getvalue()


def inlined(drawn: bytes) -> str:
    """An SVG as the address of an image, so that a page needs no other file."""
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
