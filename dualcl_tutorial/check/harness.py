"""What all checks share: an exercise is a table, and `judge` holds an answer against it.

An :class:`Exercise` names a reference, inputs to try, and the mistakes people make, each as a small
wrong function with the sentence it deserves. `judge` asks in a fixed order, from the simple to the
subtle, and stops at the first thing that is wrong: not attempted, callable, type, shape, dtype,
finite, input left alone, the hand-sized example, further inputs, gradient. Whatever it is handed,
it answers with one sentence; it never raises.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from dualcl_tutorial.check.guard import Outcome, guarded
from dualcl_tutorial.check.report import Report, publish

Values = dict[str, Any]
DTYPE_KINDS = {torch.bool: "bool", torch.int64: "int64 (torch.long)"}


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        name: what it is, as in "on <name>".
        inputs: argument names to values.
    """

    name: str
    inputs: Values


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give.

    Attributes:
        name: the mistake in two or three words.
        answer: a function that makes it, with the reference's arguments; or the wrong value itself,
            for an exercise that asks for a letter or a number.
        message: what the student did, and where to read on; never the answer.
    """

    name: str
    answer: Any
    message: str


@dataclass(frozen=True)
class Exercise:
    """One exercise, as a table.

    Attributes:
        name: its grade_id, such as "03-supcon".
        task: in a few words what is asked for.
        reference: a right answer; what it returns decides type, shape and dtype.
        cases: the hand-sized example first, then random and awkward inputs.
        axes: names of the result's axes, such as ("batch", "batch"); () for a scalar.
        mistakes: the wrong answers that are known.
        section: where the lesson derives it, such as "lesson 03, section 2".
        not_finite: the likely cause of NaN or infinity.
        gradient: names of inputs whose gradient must be right too.
        tolerance: largest difference allowed, relative to 1 + the expected size.
    """

    name: str
    task: str
    reference: Callable[..., Any]
    cases: Sequence[Case]
    axes: Sequence[str] = ()
    mistakes: Sequence[Mistake] = ()
    section: str = ""
    not_finite: str = "An exponential may have overflowed, or something was divided by zero."
    gradient: Sequence[str] = ()
    tolerance: float = 1e-4

    @property
    def lesson(self) -> str:
        """The number of its lesson."""
        return self.name[:2]


@dataclass
class _Failure(Exception):
    """The first thing that is wrong."""

    message: str
    asked: str
    on: str = ""
    output: str = ""
    attempted: bool = field(default=True)


def judge(exercise: Exercise, answer: Any) -> Report:
    """Hold an answer against an exercise; show, record and return the report."""
    output = ""
    try:
        _attempted(answer)
        for number, case in enumerate(_all_cases(exercise)):
            output = _try_case(exercise, answer, case, first=number == 0)
        for name in exercise.gradient:
            _try_gradient(exercise, answer, name)
    except _Failure as failure:
        status = "failed" if failure.attempted else "not attempted"
        return publish(
            Report(
                exercise.name, status, failure.message, failure.asked, failure.on, failure.output
            )
        )
    except Exception as error:  # a result that cannot even be looked at
        return publish(
            Report(
                exercise.name,
                "failed",
                f"The result cannot be compared ({type(error).__name__}): return an ordinary, "
                "dense tensor.",
                "readable",
            )
        )
    return publish(Report(exercise.name, "passed", f"Right: {exercise.task}.", output=output))


def _attempted(answer: Any) -> None:
    if answer is None or answer is NotImplemented or answer is ...:
        raise _Failure("Not attempted yet.", "attempted", attempted=False)


def _all_cases(exercise: Exercise) -> list[Case]:
    """Add to the table the last case in float64 and with other strides."""
    cases = list(exercise.cases)
    last = cases[-1]
    if any(_is_float(value) for value in last.inputs.values()):
        double = {k: v.double() if _is_float(v) else v for k, v in last.inputs.items()}
        strided = {k: _strided(v) for k, v in last.inputs.items()}
        cases += [
            Case(f"{last.name} in float64", double),
            Case(f"{last.name}, not contiguous in memory", strided),
        ]
    return cases


def _try_case(exercise: Exercise, answer: Any, case: Case, *, first: bool) -> str:
    expected = exercise.reference(**_copied(case.inputs))
    given = _copied(case.inputs)
    outcome = _call(exercise, answer, given, case.name)
    got = outcome.value
    on = f"on {case.name}"

    def fail(message: str, name: str) -> None:
        raise _Failure(message, name, on, outcome.output)

    if not isinstance(expected, Tensor):
        _compare_plain(exercise, got, expected, fail)
        return outcome.output
    if problem := _wrong_type(got, expected):
        fail(problem, "type")
    if got.shape != expected.shape:
        fail(_shape_message(exercise, got, expected), "shape")
    if got.device != expected.device:
        fail(f"Expected a tensor on {expected.device}, got one on {got.device}.", "device")
    if got.dtype != expected.dtype:
        kind = DTYPE_KINDS.get(expected.dtype, str(expected.dtype).removeprefix("torch."))
        got_kind = str(got.dtype).removeprefix("torch.")
        fail(f"Expected dtype {kind}, got {got_kind}: keep the dtype of the input.", "dtype")
    if expected.isfinite().all() and not got.isfinite().all():
        fail(f"The result is not finite {on}. {exercise.not_finite}", "finite")
    for name, value in case.inputs.items():
        if isinstance(value, Tensor) and not torch.equal(value, given[name]):
            fail(
                f"Your function changed its input {name}: work on a copy, without operations that "
                "end in _ and without assigning into it.",
                "input unchanged",
            )
    if not _close(got, expected, exercise.tolerance):
        fail(
            _value_message(exercise, case, got, expected),
            "hand-sized example" if first else "value",
        )
    return outcome.output


def _call(exercise: Exercise, answer: Any, given: Values, name: str) -> Outcome:
    """Call the answer under guard and turn whatever happens into a sentence."""
    wanted = ", ".join(given)
    if isinstance(answer, type) or not callable(answer):
        raise _Failure(
            f"Expected your function, taking ({wanted}), got {_brief(answer)}: hand over its name "
            "without calling it.",
            "callable",
        )
    try:
        inspect.signature(answer).bind(**given)
    except TypeError:
        raise _Failure(
            f"Expected a function of ({wanted}): keep the names of the stub's arguments.",
            "arguments",
        ) from None
    except ValueError:
        pass  # some builtins have no signature; calling them will tell
    outcome = guarded(answer, given)
    error = outcome.error
    if isinstance(error, NotImplementedError):
        raise _Failure("Not attempted yet.", "attempted", output=outcome.output, attempted=False)
    if outcome.timed_out:
        raise _Failure(
            f"Your function was still running after {outcome.seconds:.0f} s on {name} and was "
            "stopped: is there a loop that never ends?",
            "time",
            f"on {name}",
            outcome.output,
        )
    if error is not None:
        line = f" (line {outcome.line} of your function)" if outcome.line else ""
        raise _Failure(
            f"Your function raised {type(error).__name__} on {name}{line}: {_brief_text(error)}",
            "runs",
            f"on {name}",
            outcome.output,
        )
    return outcome


def _wrong_type(got: Any, expected: Tensor) -> str:
    if type(got) in (Tensor, torch.nn.Parameter):
        return ""
    if got is None:
        return "Your function returned None: is the return missing?"
    hints = {
        "ndarray": "stay in torch and leave out .numpy()",
        "float": "return the tensor itself, without .item() or float()",
        "int": "return the tensor itself, without .item() or int()",
        "bool": "return the tensor itself, without bool()",
        "list": "use torch.stack or torch.tensor",
        "tuple": "return one tensor",
    }
    hint = hints.get(type(got).__name__, "return one tensor")
    return f"Expected a torch.Tensor, got {_brief(got)}: {hint}."


def _shape_message(exercise: Exercise, got: Tensor, expected: Tensor) -> str:
    wanted = tuple(expected.shape)
    names = f"({', '.join(exercise.axes)}) = {wanted}" if exercise.axes else "a scalar, shape ()"
    return f"Expected {names}, got shape {tuple(got.shape)}."


def _value_message(exercise: Exercise, case: Case, got: Tensor, expected: Tensor) -> str:
    for mistake in exercise.mistakes:
        if _makes(mistake, exercise, case, got):
            return _signed(mistake.message, exercise)
    shown = f"expected {_numbers(expected)}, got {_numbers(got)}"
    return _signed(f"The value is not right on {case.name}: {shown}.", exercise)


def _makes(mistake: Mistake, exercise: Exercise, case: Case, got: Tensor) -> bool:
    wrong = guarded(mistake.answer, _copied(case.inputs)).value
    if not isinstance(wrong, Tensor) or wrong.shape != got.shape:
        return False
    return _close(got, wrong.to(got.dtype), exercise.tolerance)


def _compare_plain(
    exercise: Exercise, got: Any, expected: Any, fail: Callable[[str, str], None]
) -> None:
    """Judge a letter, a number or a sequence of them."""
    if isinstance(got, Tensor) and got.numel() == 1 and isinstance(expected, float):
        got = float(got)
    if isinstance(expected, str):
        if not isinstance(got, str):
            fail(f"Expected a letter such as 'a', got {_brief(got)}.", "type")
        got = got.strip().strip(")").lower()
    elif isinstance(expected, int | float):
        if isinstance(got, bool) or not isinstance(got, int | float):
            fail(f"Expected a number, got {_brief(got)}.", "type")
    elif type(got) is not type(expected):
        fail(f"Expected a {type(expected).__name__}, got {_brief(got)}.", "type")
    if _equal(got, expected, exercise.tolerance):
        return
    for mistake in exercise.mistakes:
        wrong = mistake.answer
        wrong = guarded(wrong, {}).value if callable(wrong) else wrong
        if type(wrong) is type(got) and _equal(got, wrong, exercise.tolerance):
            fail(_signed(mistake.message, exercise), "answer")
    fail(_signed(f"{_brief(got)} is not right.", exercise), "answer")


def _equal(got: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, float) and isinstance(got, int | float):
        return abs(got - expected) <= tolerance * (1 + abs(expected))
    return bool(got == expected)


def _try_gradient(exercise: Exercise, answer: Any, name: str) -> None:
    """Compare the gradient of the result's sum with respect to one input, on the first case."""
    case = exercise.cases[0]
    gradients = []
    for function in (exercise.reference, answer):
        given = _copied(case.inputs)
        given[name].requires_grad_()
        outcome = _call(exercise, function, given, case.name)
        if not outcome.value.requires_grad:
            raise _Failure(
                _signed(
                    f"The value is right, but no gradient flows back to {name}: look for detach, "
                    ".data, .item(), torch.tensor(...) or no_grad.",
                    exercise,
                ),
                "gradient",
                f"on {case.name}",
            )
        (gradient,) = torch.autograd.grad(outcome.value.sum(), given[name], allow_unused=True)
        gradients.append(torch.zeros_like(given[name]) if gradient is None else gradient)
    if not _close(gradients[1], gradients[0], 10 * exercise.tolerance):
        raise _Failure(
            _signed(
                f"The value is right, but its gradient with respect to {name} is not: expected "
                f"{_numbers(gradients[0])}, got {_numbers(gradients[1])}. Was part of it detached?",
                exercise,
            ),
            "gradient",
            f"on {case.name}",
        )


def _close(got: Tensor, expected: Tensor, tolerance: float) -> bool:
    if not expected.is_floating_point():
        return torch.equal(got, expected)
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance, equal_nan=True)


def _copied(inputs: Values) -> Values:
    return {k: v.clone() if isinstance(v, Tensor) else v for k, v in inputs.items()}


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _strided(value: Any) -> Any:
    """Return the same values, every other element of a larger memory."""
    if not isinstance(value, Tensor) or not value.ndim:
        return value
    wide = value.repeat_interleave(2, dim=-1)
    return wide[..., ::2]


def _signed(message: str, exercise: Exercise) -> str:
    return (
        f"{message} ({exercise.section[0].upper()}{exercise.section[1:]})"
        if exercise.section
        else message
    )


def _numbers(tensor: Tensor) -> str:
    flat = [round(float(x), 4) for x in tensor.detach().flatten()[:6]]
    text = ", ".join(f"{x:g}" for x in flat)
    if tensor.ndim == 0:
        return text
    return f"[{text}{', ...' if tensor.numel() > 6 else ''}] of shape {tuple(tensor.shape)}"


def _brief(value: Any) -> str:
    """Say what something is without trusting its repr."""
    kind = type(value).__name__
    if isinstance(value, str | int | float | bool):
        return (
            f"{kind} {str(value)[:40]!r}" if isinstance(value, str) else f"{kind} {str(value)[:40]}"
        )
    return "a class" if isinstance(value, type) else f"a {kind}"


def _brief_text(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())[:200]
    except Exception:
        return "(its message cannot be shown)"
