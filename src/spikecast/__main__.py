"""``python -m spikecast``, which is ``spikecast``."""

from spikecast.cli import main

main()
