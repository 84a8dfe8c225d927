"""Lesson 12: memory and time of one training step against the batch, whole and in pieces of 64.

    python course/experiments/batch_memory.py

Questions of trec, minilm, DualCL, float32, one thread; each measurement in a process of its own.
Writes lesson12_memory.csv into results/; a row that is there is not measured again. Linux only: the
peak of a process is asked of /proc.
"""

import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

OUT = Path(__file__).resolve().parents[2] / "results/lesson12_memory.csv"
# (sentences in the batch, sentences in the encoder at a time or None for all)
PLAN = [(64, None), (512, None), (256, 64), (1024, 64), (4096, 64)]


def held(name):
    """Return VmRSS (held now) or VmHWM (the most it was) of this process in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def measure(batch, micro):
    """Do one step of a batch; return the memory above what model and data hold, and seconds."""
    import torch

    from dualcl_tutorial import training
    from dualcl_tutorial._run import Run

    torch.set_num_threads(1)
    config = training.TrainConfig(
        corpus="trec", batch_size=batch, micro_batch=micro, precision="fp32"
    ).resolved()
    data = training.load_corpus(config)
    torch.manual_seed(0)
    model = training.build_model(config, data["train"].features["label"].names)
    run = Run(config, model, training._accelerator(config), data)
    # Of an epoch the batch that needs most: the one with the longest question among full ones.
    full = [step for step in range(run.plan.steps) if len(run.rows_of(step)) >= batch]
    run.step = max(full, key=lambda step: max(len(run.pieces[i]) for i in run.rows_of(step)))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, started = held("VmRSS"), time.process_time()
    training.training_step(run)
    return held("VmHWM") - before, time.process_time() - started


def main():
    found = pd.read_csv(OUT) if OUT.exists() else pd.DataFrame()
    rows = found.to_dict("records")
    done = {(row["batch"], row["micro_batch"]) for row in rows}
    for batch, micro in PLAN:
        if (batch, micro or batch) in done:
            continue
        answer = subprocess.run(
            [sys.executable, __file__, str(batch), str(micro or 0)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.split()
        row = {"batch": batch, "micro_batch": micro or batch}
        row |= {"extra_mib": round(float(answer[-2])), "cpu_seconds": round(float(answer[-1]), 1)}
        rows.append(row)
        print(row, flush=True)
        pd.DataFrame(rows).to_csv(OUT, index=False)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(*measure(int(sys.argv[1]), int(sys.argv[2]) or None))
    else:
        main()
