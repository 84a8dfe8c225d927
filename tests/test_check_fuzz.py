"""Several hundred hostile objects for the checks: no crash, no hang, no wrong pass.

Every object is made from a seed and known to be wrong: junk, functions that raise, return junk or
spoil their inputs, and right answers with one entry moved, late, in another dtype or wrapped up.
"""

from __future__ import annotations

import functools
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dualcl_tutorial.check import guard
from dualcl_tutorial.check.exercise import EXERCISES, Exercise, all_cases
from dualcl_tutorial.check.harness import judge
from dualcl_tutorial.check.report import Report

OBJECTS = 1200  # more than exercises times makers, so that each meets each
Maker = Callable[[random.Random, Exercise], Any]
MAKERS: list[Maker] = []


def maker(function: Maker) -> Maker:
    MAKERS.append(function)
    return function


class HostileError(BaseException):
    """An error that cannot be looked at."""

    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __str__


class Hostile:
    """Raises whatever is asked of it, and can be called all the same."""

    def __init__(self, error: type[BaseException]) -> None:
        object.__setattr__(self, "error", error)

    def __getattribute__(self, name: str) -> Any:
        raise object.__getattribute__(self, "error")

    def __call__(self, **given: Any) -> Any:
        raise object.__getattribute__(self, "error")

    def _refuse(self, *_: Any) -> Any:
        raise object.__getattribute__(self, "error")

    __eq__ = __bool__ = __len__ = __iter__ = __str__ = __repr__ = __float__ = _refuse
    __int__ = __index__ = __add__ = __sub__ = __getitem__ = __hash__ = _refuse


class Agreeable:
    """Equal to everything, true, and willing to do anything."""

    shape, dtype, device = torch.Size([]), torch.float32, torch.device("cpu")

    def __eq__(self, other: object) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *args: Any, **given: Any) -> Any:
        return self

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Any:
        while True:
            yield self

    def __len__(self) -> int:
        return 2

    def __float__(self) -> float:
        return float("nan")

    def __hash__(self) -> int:
        return 0

    def __str__(self) -> str:
        return "b"

    @classmethod
    def __torch_function__(cls, *args: Any, **given: Any) -> bool:
        return True


class LyingTuple(tuple):
    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Any:
        while True:
            yield torch.zeros(())

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = tuple.__hash__


class LyingTensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, *args: Any, **given: Any) -> bool:  # type: ignore[override]
        return True


def odd_tensor(rng: random.Random) -> torch.Tensor:
    """A tensor of any shape, dtype and layout; its entries fit no exercise."""
    shape = [rng.choice([0, 1, 2, 3, 6]) for _ in range(rng.randrange(4))]
    draw = torch.Generator().manual_seed(rng.randrange(10**6))
    made = 100 + torch.rand(shape, generator=draw)
    kinds: list[Callable[[], torch.Tensor]] = [
        lambda: made,
        lambda: made.double().requires_grad_(),
        lambda: made.half(),
        lambda: made.bfloat16(),
        lambda: made.long(),
        lambda: made.to(torch.complex64),
        lambda: made.to(torch.uint8),
        lambda: made.to_sparse() if shape else made,
        lambda: made.to("meta"),
        lambda: made * float("nan"),
        lambda: made / 0,
        lambda: torch.nn.Parameter(made),
        lambda: made.as_subclass(LyingTensor),
        lambda: torch.quantize_per_tensor(made, 0.1, 0, torch.quint8),
        lambda: made.new_zeros(()).expand(10**6, 10**6),
        lambda: (
            torch._efficientzerotensor(shape) + 100
            if not shape
            else made.mT
            if made.ndim > 1
            else made
        ),
    ]
    return rng.choice(kinds)()


def junk(rng: random.Random, depth: int = 0) -> Any:
    """A value no exercise asks for."""
    errors = [ValueError, SystemExit, GeneratorExit, MemoryError, RecursionError, HostileError]
    simple: list[Callable[[], Any]] = [
        lambda: None,
        lambda: rng.choice([True, -1, 10**400, 3.5e300, float("nan"), float("inf"), -0.0]),
        lambda: rng.choice(["", "zz", "\x00", "e" * 10**5, "\u202e", b"bytes", "0.92x"]),
        lambda: odd_tensor(rng),
        lambda: np.full([2] * rng.randrange(3), 100.0),
        lambda: np.array([object()]),
        lambda: np.datetime64("NaT"),
        lambda: Hostile(rng.choice(errors)),
        lambda: Agreeable(),
        lambda: LyingTuple([1]),
        lambda: rng.choice([int, torch, NotImplemented, ..., object(), range(3), slice(1)]),
        lambda: (value for value in range(3)),
        lambda: torch.nn.Linear(2, 2),
    ]
    if depth < 3 and rng.random() < 0.3:
        return rng.choice([list, tuple])(junk(rng, depth + 1) for _ in range(rng.randrange(4)))
    return rng.choice(simple)()


@maker
def bare_junk(rng: random.Random, exercise: Exercise) -> Any:
    return junk(rng)


@maker
def returns_junk(rng: random.Random, exercise: Exercise) -> Any:
    value = junk(rng)
    return lambda **given: value


@maker
def returns_tensor(rng: random.Random, exercise: Exercise) -> Any:
    value = odd_tensor(rng)
    return lambda **given: value


@maker
def returns_several(rng: random.Random, exercise: Exercise) -> Any:
    values = rng.choice([list, tuple])(odd_tensor(rng) for _ in range(rng.randrange(1, 4)))
    return lambda **given: values


@maker
def raises(rng: random.Random, exercise: Exercise) -> Any:
    errors: list[Any] = [
        ValueError("x" * 10**6),
        KeyError(object()),
        SystemExit(0),
        GeneratorExit(),
        MemoryError(),
        StopIteration(3),
        HostileError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "line\nbreak\x00"),
        ExceptionGroup("both", [ValueError(1), TypeError(2)]),
        AssertionError("<script>alert(1)</script>"),
    ]
    error = rng.choice(errors)

    def answer(**given: Any) -> Any:
        print("\x1b[31m" * rng.randrange(10**4))
        raise error

    return answer


@maker
def other_arguments(rng: random.Random, exercise: Exercise) -> Any:
    return rng.choice(
        [
            lambda one, two, three, four, five, six, seven: one,
            lambda *args: args,
            lambda other=3, *, needed: other,
            functools.partial(max, 1),
            len,
            print,
            torch.randn,
            torch.zeros,
            dict,
            exercise,
            exercise.cases,
            Hostile(AttributeError),
        ]
    )


@maker
def not_a_plain_function(rng: random.Random, exercise: Exercise) -> Any:
    async def later(**given: Any) -> Any:
        return exercise.reference(**given)

    def one_by_one(**given: Any) -> Any:
        yield exercise.reference(**given)

    class Asks:
        __signature__ = "none"

        def __call__(self, **given: Any) -> Any:
            return Agreeable()

    def hidden(**given: Any) -> Any:
        return Agreeable()

    hidden.__signature__ = Agreeable()  # type: ignore[attr-defined]
    return rng.choice([one_by_one, Asks(), hidden, lambda **given: later])


@maker
def spoils_inputs(rng: random.Random, exercise: Exercise) -> Any:
    def answer(**given: Any) -> Any:
        for value in given.values():
            if isinstance(value, torch.Tensor):
                if rng.random() < 0.5:
                    value.zero_()
                else:
                    value.resize_(0)
        given.clear()
        return odd_tensor(rng)

    return answer


@maker
def disturbs_python(rng: random.Random, exercise: Exercise) -> Any:
    act = rng.randrange(6)

    def answer(**given: Any) -> Any:
        if act == 0:
            sys.stdout.close()
        elif act == 1:
            sys.stdout = None  # type: ignore[assignment]
        elif act == 2:
            print("x" * 10**6, file=sys.stderr)
        elif act == 3:
            torch.set_grad_enabled(False)
            torch.set_default_dtype(torch.float64)
        elif act == 4:
            sys.settrace(None)
            sys.stdout.write("\ud800")
        else:
            sys.setrecursionlimit(sys.getrecursionlimit())
            return answer(**given)
        return 100.0

    return answer


@maker
def answers_late(rng: random.Random, exercise: Exercise) -> Any:
    """Right for the first inputs, junk for the others."""
    left, value = rng.randrange(len(all_cases(exercise))), junk(rng)

    def answer(**given: Any) -> Any:
        nonlocal left
        left -= 1
        return exercise.reference(**given) if left >= 0 else value

    return answer


def moved(rng: random.Random, value: Any) -> Any:
    """The right value with one entry changed by more than any tolerance."""
    if isinstance(value, torch.Tensor):
        if not value.numel():
            return value
        flat = value.detach().clone().flatten()
        place = rng.randrange(len(flat))
        if flat.dtype is torch.bool:
            flat[place] = ~flat[place]
        else:
            step = 0.02 * (1 + flat[place].abs()) if flat.is_floating_point() else 1
            flat[place] += step * rng.choice([-1, 1])
        return flat.view(value.shape)
    if isinstance(value, tuple | list):
        place = rng.randrange(len(value))
        parts = [moved(rng, v) if i == place else v for i, v in enumerate(value)]
        return tuple(parts) if isinstance(value, tuple) else parts
    if isinstance(value, str):
        return chr(ord(value[0]) + rng.choice([1, 2, 3]))
    return value + rng.choice([-1, 1]) * (1 if isinstance(value, int) else 0.05 * (1 + abs(value)))


@maker
def nearly_right(rng: random.Random, exercise: Exercise) -> Any:
    return lambda **given: moved(rng, exercise.reference(**given))


@maker
def nearly_right_once(rng: random.Random, exercise: Exercise) -> Any:
    """One entry of one case is moved."""
    calls, chosen = -1, rng.randrange(len(all_cases(exercise)))

    def answer(**given: Any) -> Any:
        nonlocal calls
        calls += 1
        right = exercise.reference(**given)
        return moved(rng, right) if calls == chosen else right

    return answer


def wrapped(rng: random.Random, value: Any) -> Any:
    """The right value in a form that is not asked for."""
    if isinstance(value, torch.Tensor):
        forms: list[Callable[[], Any]] = [
            lambda: value[None],
            lambda: value.detach().to(torch.complex64),
            lambda: value.half() if value.is_floating_point() else value.float(),
            lambda: value.detach().numpy(),
            lambda: value.tolist(),
            lambda: value.as_subclass(LyingTensor),
            lambda: [value],
            lambda: value.detach().to("meta"),
            lambda: {0: value},
        ]
        return rng.choice(forms)()
    if isinstance(value, tuple | list):
        forms = [
            lambda: value[0],
            lambda: (*value, value[-1]),
            lambda: set(),
            lambda: dict(enumerate(value)),
            lambda: LyingTuple(value[:1]),
            lambda: (value, value),
        ]
        return rng.choice(forms)()
    return rng.choice([{value}, [value], (value, value), {value: value}, Agreeable()])


@maker
def wrongly_wrapped(rng: random.Random, exercise: Exercise) -> Any:
    return lambda **given: wrapped(rng, exercise.reference(**given))


@maker
def wrong_gradient(rng: random.Random, exercise: Exercise) -> Any:
    """The right value, and another gradient where one is asked for; else one entry moved."""
    if not exercise.gradient:
        return nearly_right(rng, exercise)

    def answer(**given: Any) -> Any:
        right = exercise.reference(**given)
        values = right if isinstance(right, tuple) else (right,)
        inputs = [given[name] for name in exercise.gradient]
        loose = sum((x - x.detach()).sum() for x in inputs).to(values[0].dtype)
        spoilt = rng.choice([values[0].detach(), values[0] + loose, values[0].detach() - loose])
        return (spoilt, *values[1:]) if isinstance(right, tuple) else spoilt

    return answer


@maker
def monkey_patched(rng: random.Random, exercise: Exercise) -> Any:
    """A wrong tensor that carries methods of its own."""

    def answer(**given: Any) -> Any:
        right = exercise.reference(**given)
        value = moved(rng, right)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, torch.Tensor):
                for name in ("isfinite", "all", "detach", "to", "sum", "flatten", "equal"):
                    setattr(part, name, Agreeable())
        return value

    return answer


@pytest.fixture(autouse=True)
def quick_and_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALCL_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr(guard, "SECONDS", 0.5)


def object_number(number: int) -> tuple[Exercise, str, Any]:
    rng = random.Random(number)
    names = sorted(EXERCISES)
    exercise = EXERCISES[names[number % len(names)]]
    make = MAKERS[number // len(names) % len(MAKERS)]
    return exercise, make.__name__, make(rng, exercise)


@pytest.mark.parametrize("block", range(10))
@pytest.mark.filterwarnings("ignore")
def test_hostile_objects(block: int, capsys: pytest.CaptureFixture[str]) -> None:
    size = OBJECTS // 10
    for number in range(block * size, (block + 1) * size):
        exercise, made_by, answer = object_number(number)
        where = f"object {number}, {made_by}, for {exercise.name}"
        started, stdout = time.monotonic(), sys.stdout
        try:
            said = judge(exercise, answer)
        except BaseException as error:
            pytest.fail(f"{where}: {type(error).__name__} came through")
        assert time.monotonic() - started < 3, f"{where} took too long"
        assert sys.stdout is stdout, f"{where} took stdout away"
        assert type(said) is Report and said.status in ("failed", "not attempted"), where
        assert 10 < len(said.message) < 900 and "\n" not in said.message, f"{where}: {said.message}"
        assert torch.is_grad_enabled() and torch.get_default_dtype() is torch.float32, where
        assert said._repr_html_() and str(said), where
        assert "✘" in (shown := capsys.readouterr().out) or "…" in shown, where


def test_every_maker_and_every_exercise_is_met() -> None:
    assert OBJECTS >= 500 and len(MAKERS) >= 12
    met = [object_number(number)[:2] for number in range(OBJECTS)]
    assert {exercise.name for exercise, _ in met} == set(EXERCISES)
    assert {made_by for _, made_by in met} == {make.__name__ for make in MAKERS}


def test_right_answers_still_pass_after_all_this() -> None:
    for exercise in EXERCISES.values():
        assert judge(exercise, exercise.reference).passed
