"""The command line: parse, call, print. One line and exit status 2 for everything explainable.

One file per group of commands; ``--help`` lists them in the order in which they are imported.
"""

from spikecast.cli.app import main

from spikecast.cli import running, mapping, sweeping, studying, comparing, auditing, looking, fetching  # isort: skip

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
