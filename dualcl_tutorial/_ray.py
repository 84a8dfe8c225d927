"""A grid's workers as Ray tasks, on one machine or on a Ray cluster alike (lesson 12)."""

from __future__ import annotations

import os
from collections.abc import Callable

RETRIES = 3  # times a task is started anew when its process dies


def work_on_ray(work: Callable[[int], None], workers: int) -> None:
    """Start a worker as a Ray task so many times; one whose process dies is started anew.

    An initialized Ray is used, then the cluster of ``RAY_ADDRESS``, then one is started here. Each
    task asks for its share of the cluster's cores and GPUs.

    Args:
        work: what a worker does, given its number of threads; it takes up what others left.
        workers: how many.

    Raises:
        ModuleNotFoundError: if Ray is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # send nothing to anybody
    try:
        import ray
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'Expected Ray for the engine "ray", but it is not installed: pip install '
            '"dualcl-tutorial[cluster]", or leave the engine out.'
        ) from None

    def worker(threads: int) -> None:  # Ray wants a function; a partial is none
        work(threads)

    own = not ray.is_initialized()
    if own:
        ray.init(log_to_driver=True)
    try:
        there = ray.cluster_resources()
        cores = max(1, int(there.get("CPU", 1)) // workers)
        gpus = min(1.0, there.get("GPU", 0.0) / workers)
        task = ray.remote(num_cpus=cores, num_gpus=gpus, max_retries=RETRIES)(worker)
        for started in [task.remote(cores) for _ in range(workers)]:
            try:
                ray.get(started)
            except ray.exceptions.RayError as error:  # of one worker: the others go on
                print(f"A worker was lost for good ({type(error).__name__}).", flush=True)
    finally:
        if own:
            ray.shutdown()
