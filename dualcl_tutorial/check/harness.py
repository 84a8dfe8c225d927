"""What all checks share: `judge` holds an answer against an exercise's table.

It asks in a fixed order, from the simple to the subtle, and stops at the first thing that is wrong:
not attempted, callable, type, shape, dtype, finite, input left alone, the hand-sized example,
further inputs, properties, gradient. Whatever it is handed, it answers with one sentence; it never
raises.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from dualcl_tutorial.check import guard
from dualcl_tutorial.check.exercise import (
    EXERCISES,
    Case,
    Exercise,
    Mistake,
    Property,
    all_cases,
    copied,
    register,
    same,
)
from dualcl_tutorial.check.guard import Outcome, guarded
from dualcl_tutorial.check.report import Report, publish
from dualcl_tutorial.check.words import (
    brief,
    brief_error,
    close,
    dtype_name,
    equal,
    numbers,
    plain,
    wrong_type,
)

__all__ = ["EXERCISES", "Case", "Exercise", "Mistake", "Property", "judge", "register"]

NOT_ATTEMPTED = "Write your own code where the stub raises an error, then run this cell again."


@dataclass
class _Failure(Exception):
    """The first thing that is wrong."""

    message: str
    asked: str


def judge(exercise: Exercise, answer: Any) -> Report:
    """Hold an answer against an exercise; show, record and return the report."""
    examination = _Examination(exercise, answer)
    # One watchdog over all: a result can be as hostile as a function, and ten cases are no excuse.
    whole = guarded(examination.run, {}, seconds=guard.SECONDS)
    on, error = examination.on, whole.error
    status, asked, output = "failed", "readable", examination.last.output
    if whole.timed_out:
        where, asked = f" {on}" if on else "", "time"
        message = (
            f"Your function was still running after {guard.SECONDS:.0f} s{where} and was stopped: "
            "is there a loop that never ends?"
        )
    elif isinstance(error, _Failure):
        message, asked = error.message, error.asked
        status = "not attempted" if asked == "attempted" else "failed"
    elif error is not None:  # a result that cannot even be looked at
        message = (
            f"The result cannot be compared ({type(error).__name__}): return an ordinary, dense "
            "tensor, or the plain letter or number that is asked for."
        )
    else:
        status, message, asked, on = "passed", f"Right: {exercise.task}.", "", ""
    return publish(Report(exercise.name, status, message, asked, on, output))


class _Examination:
    """The questions to one answer, in order; `on` and `last` say how far they came."""

    def __init__(self, exercise: Exercise, answer: Any) -> None:
        self.exercise, self.answer = exercise, answer
        self.on, self.last = "", Outcome()

    def run(self) -> None:
        if self.answer is None or self.answer is NotImplemented or self.answer is ...:
            raise _Failure(NOT_ATTEMPTED, "attempted")
        for number, case in enumerate(all_cases(self.exercise)):
            self.on = f"on {case.name}"
            self._try_case(case, "value" if number else "hand-sized example")
        self.on = ""
        for wanted in self.exercise.properties:
            if not wanted.holds(self._call):
                self._fail(wanted.message, wanted.name)
        self.on = f"on {self.exercise.cases[0].name}"
        for name in self.exercise.gradient:
            self._try_gradient(name)

    def _fail(self, message: str, asked: str) -> NoReturn:
        raise _Failure(_signed(message, self.exercise), asked)

    def _call(self, **given: Any) -> Any:
        """Call the answer under guard and turn whatever happens into a sentence."""
        wanted = ", ".join(given)
        if not callable(self.answer) or issubclass(type(self.answer), type):
            taking = f", taking ({wanted})," if wanted else ","
            raise _Failure(
                f"Expected your function{taking} got {brief(self.answer)}: hand over its name "
                "without calling it.",
                "callable",
            )
        try:
            inspect.signature(self.answer).bind(**given)
        except TypeError:
            of = f" of ({wanted}): keep the names of the stub's arguments" if wanted else ""
            raise _Failure(
                f"Expected a function{of or ' without arguments, as in the stub'}.",
                "arguments",
            ) from None
        except ValueError:
            pass  # some builtins have no signature; calling them will tell
        outcome, default = Outcome(), torch.get_default_dtype()
        self.last = outcome
        with torch.enable_grad():  # puts back what set_grad_enabled may have changed
            guarded(self.answer, given, outcome=outcome)
        torch.set_default_dtype(default)
        if isinstance(outcome.error, NotImplementedError):
            raise _Failure(NOT_ATTEMPTED, "attempted")
        if outcome.error is not None:
            line = f" (line {outcome.line} of your function)" if outcome.line else ""
            where = f" {self.on}" if self.on else ""
            raise _Failure(
                f"Your function raised {type(outcome.error).__name__}{where}{line}: "
                f"{brief_error(outcome.error)}",
                "runs",
            )
        if outcome.value is None:
            raise _Failure("Your function returned None: is the return missing?", "type")
        return outcome.value

    def _try_case(self, case: Case, asked: str) -> None:
        expected = self.exercise.reference(**copied(case.inputs))
        given = copied(case.inputs)
        got = self._call(**given)
        if not isinstance(expected, Tensor) and not self.exercise.returns:
            self._compare_plain(case, got, expected)
            return
        parts = expected if isinstance(expected, tuple) else (expected,)
        results = self._results(got, len(parts))
        names = self.exercise.returns or [""]
        for number, (result, part) in enumerate(zip(results, parts, strict=True)):
            self._compare_form(case, number, names[number], result, part)
        for name, value in case.inputs.items():
            if not same(value, given[name]):
                self._fail(
                    f"Your function changed its input {name}: work on a copy, without operations "
                    "that end in _ and without assigning into it.",
                    "input unchanged",
                )
        for number, (result, part) in enumerate(zip(results, parts, strict=True)):
            if not close(result, part, self.exercise.tolerance):
                shown = f"expected {numbers(part)}, got {numbers(result)}"
                generic = _named(names[number], f"the value is not right {self.on}: {shown}.")
                self._fail(self._diagnosis(case, number, result) or generic, asked)

    def _results(self, got: Any, count: int) -> list[Any]:
        """Take the tensors out of what was returned, as their plain selves."""
        results: list[Any] = [got]
        if self.exercise.returns:
            # Subclasses may lie about their length and contents; tuple and list do not.
            kind = next((k for k in (tuple, list) if issubclass(type(got), k)), None)
            results = list(kind.__iter__(got)) if kind else []
            if len(results) != count:
                came = f"{len(results)} values." if kind else f"{brief(got)}."
                wanted = ", ".join(self.exercise.returns)
                self._fail(f"Expected {count} tensors, ({wanted}), got {came}", "type")
        for result in results:
            if problem := wrong_type(result):
                self._fail(problem, "type")
        return [Tensor.detach(result) for result in results]

    def _compare_form(
        self, case: Case, number: int, name: str, got: Tensor, expected: Tensor
    ) -> None:
        axes, wanted = self.exercise.axes, tuple(expected.shape)
        if got.shape != expected.shape:
            comma = "," if len(axes) == 1 else ""
            names = f"({', '.join(axes)}{comma}) = {wanted}" if axes else "a scalar, shape ()"
            cause = self._diagnosis(case, number, got)
            message = f"expected {names}, got shape {tuple(got.shape)}. {cause}"
            self._fail(_named(name, message.strip()), "shape")
        if got.device != expected.device:
            message = f"expected a tensor on {expected.device}, got one on {got.device}."
            self._fail(_named(name, message), "device")
        if got.dtype != expected.dtype:
            keep = "keep the dtype of the input" if expected.is_floating_point() else "convert it"
            wanted_dtype, got_dtype = dtype_name(expected.dtype), dtype_name(got.dtype)
            message = f"expected dtype {wanted_dtype} {self.on}, got {got_dtype}: {keep}."
            self._fail(_named(name, message), "dtype")
        if expected.isfinite().all() and not got.isfinite().all():
            cause = self._diagnosis(case, number, got) or self.exercise.not_finite
            self._fail(_named(name, f"not finite {self.on}. {cause}"), "finite")

    def _diagnosis(self, case: Case, number: int, got: Tensor) -> str:
        """Return the message of the mistake that gives just this result, if one does."""
        for mistake in self.exercise.mistakes:
            wrong = _made(mistake, case)
            wrong = wrong[number] if isinstance(wrong, tuple) else wrong
            comparable = isinstance(wrong, Tensor) and wrong.shape == got.shape
            if comparable and close(got.to(wrong.dtype), wrong, self.exercise.tolerance):
                return mistake.message
        return ""

    def _compare_plain(self, case: Case, got: Any, expected: Any) -> None:
        """Judge a letter, a number or a sequence of them."""
        tolerance, got = self.exercise.tolerance, plain(got)
        if isinstance(expected, str):
            if not isinstance(got, str):
                self._fail(f"Expected a letter such as 'a', got {brief(got)}.", "type")
            got = got.strip().strip("().").lower()
        elif isinstance(expected, bool):
            if type(got) is not bool:
                self._fail(f"Expected True or False, got {brief(got)}.", "type")
        elif isinstance(expected, int | float):
            if type(got) not in (int, float):
                self._fail(f"Expected a number, got {brief(got)}.", "type")
        elif type(got) is not type(expected):
            self._fail(f"Expected a {type(expected).__name__}, got {brief(got)}.", "type")
        if equal(got, expected, tolerance):
            return
        for mistake in self.exercise.mistakes:
            if equal(got, plain(_made(mistake, case)), tolerance):
                self._fail(mistake.message, "answer")
        where = f" {self.on}" if len(self.exercise.cases) > 1 else ""
        self._fail(_named("", f"{brief(got)} is not right{where}."), "answer")

    def _try_gradient(self, name: str) -> None:
        """Compare the gradient of all results' sum with respect to one input, on the first case."""
        gradients = []
        for function in (self.exercise.reference, self._call):
            given = copied(self.exercise.cases[0].inputs)
            given[name].requires_grad_()
            value = function(**given)
            parts = value if isinstance(value, tuple | list) else [value]
            total = torch.stack([part.sum() for part in parts]).sum()
            if not total.requires_grad:
                self._fail(
                    f"The value is right, but no gradient flows back to {name}: look for detach, "
                    ".data, .item(), torch.tensor(...) or no_grad.",
                    "gradient",
                )
            (gradient,) = torch.autograd.grad(total, given[name], allow_unused=True)
            gradients.append(torch.zeros_like(given[name]) if gradient is None else gradient)
        if not gradients[1].isfinite().all():
            self._fail(
                f"The value is right, but its gradient with respect to {name} is not finite: what "
                "torch.where leaves out is differentiated all the same. Mask before exp and log.",
                "gradient",
            )
        if not close(gradients[1], gradients[0], 10 * self.exercise.tolerance):
            self._fail(
                f"The value is right, but its gradient with respect to {name} is not: expected "
                f"{numbers(gradients[0])}, got {numbers(gradients[1])}. Was part of it detached?",
                "gradient",
            )


def _made(mistake: Mistake, case: Case) -> Any:
    if not callable(mistake.answer):
        return mistake.answer
    return guarded(mistake.answer, copied(case.inputs)).value


def _named(name: str, message: str) -> str:
    return f"{name}: {message}" if name else message[0].upper() + message[1:]


def _signed(message: str, exercise: Exercise) -> str:
    if not exercise.section:
        return message
    return f"{message} ({exercise.section[0].upper()}{exercise.section[1:]})"
