"""Several run directories side by side: what they share, and one page that lists them.

Reads what runs wrote; never fits.
"""

from spikecast.runs.comparing import Comparison, compare

__all__ = ["Comparison", "compare"]
