"""Where the time of a training step goes, by kind of work."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

MATRIX = "matrix products, attention"
KINDS = {
    MATRIX: r"mm$|matmul|attention|linear|softmax",
    "AdamW": r"adamw|addcdiv|addcmul|lerp|sqrt|Optimizer",
    "random numbers of dropout": r"bernoulli|dropout",
    "length of the gradient": r"norm$|_foreach_norm",
    "activation and normalisation": r"gelu|layer_norm|tanh",
    "embeddings and their gradient": r"embedding|index|gather|scatter",
    "copies, casts, zeros": r"copy|zero|fill|clone|cat$|stack",
}
ELEMENTWISE = "sums and products of elements, views"
OUTSIDE = "outside of torch: tokens, batches, Python"


def kind_of(operator: str) -> str:
    """Name the kind of work an operator of torch belongs to."""
    name = operator.removeprefix("aten::")
    return next((kind for kind, found in KINDS.items() if re.search(found, name)), ELEMENTWISE)


def where_time_goes(run: Callable[[], object]) -> dict[str, float]:
    """Return the share of each kind of work in the time that something takes, in per cent."""
    run()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        started = time.perf_counter()
        run()
        whole = 1e6 * (time.perf_counter() - started)  # microseconds, as the profiler counts
    found = dict.fromkeys([*KINDS, ELEMENTWISE], 0.0)
    for event in profiler.key_averages():
        found[kind_of(event.key)] += 100 * event.self_cpu_time_total / whole
    return {**found, OUTSIDE: max(0.0, 100 - sum(found.values()))}
