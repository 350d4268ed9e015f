"""The command line: parse, call, print. One line and exit status 2 for everything explainable.

A command is a file of its own, named after it: it holds a function, or a group of commands, of the
same name.
"""

from spikecast.cli.app import main

__all__ = ["main"]
