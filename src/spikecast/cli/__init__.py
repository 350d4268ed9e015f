"""The command line: parse, call, print. One line and exit status 2 for everything explainable.

One file per group of commands; ``--help`` lists them in the order in which they are imported.
"""

from spikecast.cli import (
    auditing,
    comparing,
    fetching,
    looking,
    mapping,
    running,
    studying,
    sweeping,
)  # isort: skip
from spikecast.cli.app import main

__all__ = [
    "auditing",
    "comparing",
    "fetching",
    "looking",
    "main",
    "mapping",
    "running",
    "studying",
    "sweeping",
]
