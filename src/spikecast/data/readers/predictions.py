"""Predictions of another tool: their targets, and the source where it is in the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from spikecast.data.predictions import read_predictions
from spikecast.data.recording import Recording

CONTENT = "predictions of another tool (.npz, docs/own_predictions.md)"


def sniff(source: Any) -> bool:
    """Return whether a file is a ``.npz`` that holds an array called ``truth``."""
    if not isinstance(source, Path) or source.suffix != ".npz" or not source.is_file():
        return False
    try:
        with ZipFile(source) as archive:
            return "truth.npy" in archive.namelist()
    except Exception:  # a damaged archive can fail in any way
        return False


def open_sessions(path: Path) -> list[Callable[[], Recording]]:
    """Return one callable, which reads the file."""
    return [lambda: read_predictions(path).make_recording()]
