"""Say what came: values compared, and described in words without trusting them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

DTYPES = {torch.bool: "bool", torch.int64: "int64 (torch.long)"}
HINTS = {
    "ndarray": "stay in torch and leave out .numpy()",
    "float": "return the tensor itself, without .item() or float()",
    "int": "return the tensor itself, without .item() or int()",
    "bool": "return the tensor itself, without bool()",
    "list": "use torch.stack or torch.tensor",
    "tuple": "return one tensor",
    "generator": "use return, not yield",
}


def close(got: Tensor, expected: Tensor, tolerance: float) -> bool:
    """Say whether two tensors of one shape hold the same numbers."""
    if not expected.is_floating_point():
        return torch.equal(got, expected)
    return torch.allclose(got, expected, rtol=tolerance, atol=tolerance, equal_nan=True)


def plain(value: Any) -> Any:
    """Turn a number or a text of any subclass into Python's own; lists item by item.

    A subclass may call itself equal to everything; what it is made of cannot.
    """
    if (type(value) is Tensor and value.numel() == 1) or type(value).__module__ == "numpy":
        value = value.item() if getattr(value, "size", 1) != 0 else value
    for kind in (bool, int, float, str):
        if issubclass(type(value), kind):
            return getattr(kind, f"__{kind.__name__}__", bool)(value)
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value


def equal(got: Any, expected: Any, tolerance: float) -> bool:
    """Say whether two plain values are the same, numbers within the tolerance."""
    if type(expected) in (list, tuple):
        return (
            type(got) in (list, tuple)
            and len(got) == len(expected)
            and all(equal(g, e, tolerance) for g, e in zip(got, expected, strict=True))
        )
    if isinstance(expected, float) and type(got) in (int, float):
        return abs(got) < math.inf and abs(got - expected) <= tolerance * (1 + abs(expected))
    return type(got) is type(expected) and bool(got == expected)


def wrong_type(got: Any) -> str:
    """Say what is not a plain tensor; nothing where it is one."""
    if type(got) in (Tensor, torch.nn.Parameter):
        return ""
    hint = HINTS.get(type(got).__name__, "return one tensor")
    return f"Expected a torch.Tensor, got {brief(got)}: {hint}."


def dtype_name(dtype: torch.dtype) -> str:
    """Name a dtype as a reader writes it."""
    return DTYPES.get(dtype, str(dtype).removeprefix("torch."))


def numbers(tensor: Tensor) -> str:
    """Write out the first numbers of a tensor."""
    flat = [round(float(x), 4) for x in tensor.detach().flatten()[:6]]
    text = ", ".join(f"{x:g}" for x in flat)
    if tensor.ndim == 0:
        return text
    return f"[{text}{', ...' if tensor.numel() > 6 else ''}] of shape {tuple(tensor.shape)}"


def brief(value: Any) -> str:
    """Say what something is without trusting its repr."""
    kind = type(value)
    if kind is str:
        return f"the text {value[:40]!r}"
    if kind in (int, float, bool):
        if kind is int and value.bit_length() > 100:
            return "an int of many digits"
        return f"{kind.__name__} {value:.4g}" if kind is float else f"{kind.__name__} {value}"
    return "a class" if issubclass(kind, type) else f"a {kind.__name__}"


def brief_error(error: BaseException) -> str:
    """Return the first words of an error."""
    try:
        return " ".join(str(error).split())[:200]
    except Exception:
        return "(its message cannot be shown)"
