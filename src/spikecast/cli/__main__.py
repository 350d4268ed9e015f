"""``python -m spikecast.cli``."""

from spikecast.cli import main

main()
