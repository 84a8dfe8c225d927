"""Call what a student wrote so that it can neither raise, nor hang, nor flood the page."""

from __future__ import annotations

import _thread
import contextlib
import io
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

SECONDS = 10.0
CHARACTERS = 2000


@dataclass
class Outcome:
    """What came of a call.

    Attributes:
        value: what was returned; None if nothing was.
        error: what was raised, if anything.
        output: what was printed, cut at ``CHARACTERS``.
        timed_out: whether the watchdog stopped it.
        line: line of the function in which the error was raised; 0 if unknown.
    """

    value: Any = None
    error: BaseException | None = None
    output: str = ""
    timed_out: bool = False
    line: int = 0


class _Short(io.StringIO):
    """Keep the first characters and swallow the rest."""

    def write(self, text: str) -> int:
        room = CHARACTERS - self.tell()
        if room > 0:
            super().write(text[:room])
            if len(text) > room:
                super().write(" [output cut here]")
        return len(text)

    def close(self) -> None:
        """Stay open: what was printed is read afterwards."""


def guarded(
    function: Callable[..., Any],
    given: Mapping[str, Any],
    *,
    seconds: float | None = None,
    outcome: Outcome | None = None,
) -> Outcome:
    """Call a function by keyword and report what happened.

    With a time limit, a pure Python loop that runs for ever is interrupted; one inside a C call can
    only be stopped by the reader's Interrupt button, as can anything outside the main thread. An
    Interrupt that is not the watchdog's is raised.

    Args:
        function: what to call.
        given: its arguments.
        seconds: the watchdog's patience; no watchdog if not given.
        outcome: filled in as far as it goes, also when an Interrupt goes through.
    """
    outcome, printed = outcome or Outcome(), _Short()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            with _watchdog(seconds) as dog:
                outcome.value = function(**given)
        except KeyboardInterrupt as error:
            if not dog.bit:
                raise  # the reader's own Interrupt, or a watchdog further out
            outcome.error = error
        except BaseException as error:  # SystemExit too: a student's exit() must not end the kernel
            outcome.error, outcome.line = error, _line(error, function)
        finally:
            outcome.output = printed.getvalue()
    outcome.timed_out = dog.bit
    return outcome


class _Dog:
    """Counts its bites; each is a SIGINT, answered in the main thread by `interrupt`."""

    def __init__(self) -> None:
        self.bites = 0

    @property
    def bit(self) -> bool:
        return self.bites > 0

    def interrupt(self, _signal: int, frame: FrameType | None) -> None:
        """Raise at once; every other time some lines later, where no bare except swallows it."""
        if self.bites % 2 or not self.bites:
            raise KeyboardInterrupt
        lines = self.bites // 2

        def trace(*_: Any) -> Any:
            nonlocal lines
            lines -= 1
            if lines < 0:
                raise KeyboardInterrupt  # Python itself ends the tracing then
            return trace

        sys.settrace(trace)
        while frame is not None and frame.f_code is not guarded.__code__:
            frame.f_trace, frame = trace, frame.f_back


@contextlib.contextmanager
def _watchdog(seconds: float | None) -> Iterator[_Dog]:
    dog, done = _Dog(), threading.Event()
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield dog
        return

    def wait() -> None:
        patience = seconds
        while not done.wait(patience):
            dog.bites, patience = dog.bites + 1, 0.1
            if hasattr(signal, "pthread_kill"):  # wakes a sleeping thread as well
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            else:
                _thread.interrupt_main()

    # A process started in the background ignores SIGINT, and with it the watchdog.
    before, tracing = signal.signal(signal.SIGINT, dog.interrupt), sys.gettrace()
    watcher = threading.Thread(target=wait, daemon=True)
    watcher.start()
    try:
        yield dog
    finally:
        done.set()
        watcher.join()
        if dog.bit:  # it may have bitten just as the call returned: take the interrupt here
            with contextlib.suppress(KeyboardInterrupt):
                time.sleep(0.05)
            sys.settrace(tracing)
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def _line(error: BaseException, function: Callable[..., Any]) -> int:
    """Find the innermost line of the function itself that the error passed through."""
    code = getattr(function, "__code__", None)
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code is code and code is not None:
            line = trace.tb_lineno - code.co_firstlineno + 1
        trace = trace.tb_next
    return line
