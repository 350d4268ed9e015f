"""What libraries read beside their arguments: variables, and matplotlib's own settings.

Their own errors would not name them, and would come when a run is done and its page is drawn.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from spikecast.core.checks import quote, shorten_line
from spikecast.core.errors import InputError
from spikecast.core.files import is_special

PLOT_SETTINGS = "matplotlibrc"
"""Name of the file that matplotlib reads as it is imported."""


def set_environment() -> None:
    """Check the variables and files that libraries read; pages need no window."""
    os.environ["MPLBACKEND"] = "agg"
    for name, read, needed in (
        ("LOKY_MAX_CPU_COUNT", abs, "a number of processes"),
        ("SOURCE_DATE_EPOCH", partial(datetime.fromtimestamp, tz=UTC), "seconds since 1970"),
    ):
        value = os.environ.get(name, "0")
        try:
            read(int(value))
        except (ValueError, OverflowError, OSError):
            raise InputError(
                f"the environment variable {name} is {quote(value)}; {needed} is needed. Set it "
                f"to one, or unset {name}"
            ) from None
    check_plot_settings()


def check_plot_settings() -> None:
    """Raise an InputError where the file of settings that matplotlib will read is no text."""
    path = next(
        (path for path in _list_plot_settings() if path.exists() and not path.is_dir()), None
    )
    if path is None:
        return
    try:
        if not is_special(path):
            path.read_text(encoding="utf-8")
            return
        reason = "a pipe or a device"
    except UnicodeDecodeError:
        reason = "no text"
    except OSError as error:
        reason = f"not readable ({error.strerror})"
    raise InputError(
        f"the settings of matplotlib, '{shorten_line(path)}', are {reason}; remove the "
        "file, or mend it"
    )


def _list_plot_settings() -> Iterator[Path]:
    """Yield where matplotlib looks for its settings, in its order."""
    yield Path(PLOT_SETTINGS)
    if given := os.environ.get("MATPLOTLIBRC"):
        yield from (Path(given), Path(given, PLOT_SETTINGS))
    if given := os.environ.get("MPLCONFIGDIR"):
        yield Path(given, PLOT_SETTINGS)
        return
    with suppress(RuntimeError):  # there may be no home
        home = Path.home()
        yield Path(
            os.environ.get("XDG_CONFIG_HOME") or home / ".config", "matplotlib", PLOT_SETTINGS
        )
        yield home / ".matplotlib" / PLOT_SETTINGS
