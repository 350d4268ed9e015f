"""The settings of a run as they were when it began, so that a config edited later is noticed."""

from pathlib import Path
from typing import Any

from spikecast.core.errors import RunError
from spikecast.core.schema import parse_yaml
from spikecast.core.stored import read_text

FREE = "analysis"
"""The block that may change: questions are answered anew, from the fits that are there."""


def read_settings(text: str) -> Any:
    """Return a config without the place of the data: their identity is compared instead."""
    try:
        settings = parse_yaml(text)
    except ValueError:  # edited by hand: equal to no other
        return None
    if isinstance(settings, dict):
        data = settings.pop("data", None)
        if isinstance(data, dict):  # an atlas has only paths there
            settings["data"] = {name: value for name, value in data.items() if name != "path"}
    return settings


def describe_settings(text: str) -> dict[str, Any]:
    """Return what a manifest keeps of a config: all that fits and scores follow from."""
    settings = read_settings(text)
    return {name: value for name, value in settings.items() if name != FREE}


def check_settings_unchanged(config: Path, manifest: dict[str, Any]) -> None:
    """Raise a RunError where the config in a run directory was edited since the run began.

    Its fits were made with the settings of then. Manifests of earlier versions do not hold them.
    """
    begun = manifest.get("settings")
    if not isinstance(begun, dict):
        return
    settings = read_settings(read_text(config))
    now = settings if isinstance(settings, dict) else {}
    names = sorted(begun.keys() | now.keys())
    changed = [name for name in names if name != FREE and begun.get(name) != now.get(name)]
    if changed:
        raise RunError(
            f"'{config}' was edited since the run began ({', '.join(map(str, changed))}), and what "
            f"is fitted was fitted before: put it back, or start another run (only the block "
            f"'{FREE}' may be edited)"
        )
