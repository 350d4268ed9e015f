"""Pages without the dear part of their figures, for tests that do not look at them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def leave_undrawn() -> Iterator[None]:
    """Make figures, but neither lay them out nor write them: most of a page's time."""
    from spikecast.report.shared import pages, style

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "to_svg", lambda figure: b"<svg/>")
        patch.setitem(style.STYLE, "figure.constrained_layout.use", False)
        yield
