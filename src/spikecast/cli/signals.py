"""Signals that end a command: Ctrl-C, a queue's SIGTERM, a terminal that is closed."""

import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer, main_thread
from typing import Any

END_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows has no SIGHUP


@contextmanager
def interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """Raise a KeyboardInterrupt where one of some signals arrives within the block.

    What the process was started to ignore stays ignored: nohup lets it outlive its terminal. Where
    Python drops the exception (in what is called as an object goes), the signal comes once more.
    What objects that are half made raise as they go is not printed.
    """
    last: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        last[:] = [number]
        raise KeyboardInterrupt

    def repeat(dropped: Any) -> None:
        if not last:
            show_dropped(dropped)
        elif dropped.exc_type is KeyboardInterrupt:
            Timer(0.1, _raise_in_main_thread, last).start()

    taken = [one for one in signals if signal.getsignal(one) != signal.SIG_IGN]
    before = {one: signal.signal(one, interrupt) for one in taken}
    show_dropped, sys.unraisablehook = sys.unraisablehook, repeat
    try:
        yield
    except KeyboardInterrupt as error:
        traceback.clear_frames(error.__traceback__)  # what they were making goes now
        raise
    finally:
        sys.unraisablehook = show_dropped
        for one, handler in before.items():
            if signal.getsignal(one) == interrupt:  # what was set within the block stays
                signal.signal(one, handler)


def _raise_in_main_thread(number: int) -> None:
    """Send this process a signal so that it ends what its main thread waits for."""
    main = main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)
