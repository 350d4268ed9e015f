"""An environment of its own for every peer, made once and kept in the ignored folder ``.peers``."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / ".peers"
LONGEST_REASON = 160
ERROR = re.compile("^(error|fatal): ", re.IGNORECASE)


class CannotInstallError(Exception):
    """A peer that could not be installed, with the reason in one line."""


def run_command(command: Sequence[str | Path]) -> subprocess.CompletedProcess:
    """Run a command and return what it printed, errors among it."""
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def make_environment(
    folder: str,
    kept: Path = KEPT,
    run: Callable[[Sequence[str | Path]], subprocess.CompletedProcess] = run_command,
) -> Path:
    """Return the Python of the environment in which a peer is installed.

    Parameters
    ----------
    folder : str
        Of the peer; its ``requirements.txt`` says what is installed.
    kept : Path
        Where environments are kept.
    run : callable
        What runs a command.

    Raises
    ------
    CannotInstallError
        With the last line in which the reason stands.
    """
    requirements = HERE / folder / "requirements.txt"
    place = kept / folder
    python, installed = place / "bin" / "python", place / "installed.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if installed.exists() and installed.read_text(encoding="utf-8") == wanted:
        return python
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands = (
        [sys.executable, "-m", "venv", "--clear", place],
        [*pip, "--requirement", requirements],
    )
    for command in commands:
        done = run(command)
        if done.returncode:
            raise CannotInstallError(find_reason(done.stdout))
    installed.write_text(wanted, encoding="utf-8")
    return python


def find_reason(printed: str) -> str:
    """Return the last line of an output that names an error, or its last line."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR.match(line) and "subprocess-exited" not in line]
    # "no matching distribution" says less than that there is one for another Python
    errors = [line for line in errors if "Requires-Python" in line] or errors
    reason = (errors or lines or ["it printed nothing"])[-1]
    return ERROR.sub("", reason)[:LONGEST_REASON]
