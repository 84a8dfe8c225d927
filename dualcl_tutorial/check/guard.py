"""Call what a student wrote so that it can neither raise, nor hang, nor flood the page."""

from __future__ import annotations

import _thread
import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
        seconds: the watchdog's patience.
        line: line of the function in which the error was raised; 0 if unknown.
    """

    value: Any = None
    error: BaseException | None = None
    output: str = ""
    timed_out: bool = False
    seconds: float = SECONDS
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


def guarded(function: Callable[..., Any], given: Mapping[str, Any]) -> Outcome:
    """Call a function by keyword and report what happened.

    A pure Python loop that runs for ever is interrupted after ``SECONDS``; one inside a C call can
    only be stopped by the reader's Interrupt button, as can anything outside the main thread.
    """
    outcome, printed = Outcome(seconds=SECONDS), _Short()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            with _watchdog(SECONDS) as dog:
                outcome.value = function(**given)
        except KeyboardInterrupt as error:
            if not dog.bit:
                raise  # the reader's own Interrupt
            outcome.timed_out, outcome.error = True, error
        except BaseException as error:  # SystemExit too: a student's exit() must not end the kernel
            outcome.error, outcome.line = error, _line(error, function)
    outcome.output = printed.getvalue()
    return outcome


class _Dog:
    bit = False


@contextlib.contextmanager
def _watchdog(seconds: float) -> Iterator[_Dog]:
    dog, done = _Dog(), threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield dog
        return

    def wait() -> None:
        if not done.wait(seconds):
            dog.bit = True
            _thread.interrupt_main()

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


def _line(error: BaseException, function: Callable[..., Any]) -> int:
    """Find the innermost line of the function itself that the error passed through."""
    code = getattr(function, "__code__", None)
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code is code and code is not None:
            line = trace.tb_lineno - code.co_firstlineno + 1
        trace = trace.tb_next
    return line
