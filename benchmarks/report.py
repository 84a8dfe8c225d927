"""What was measured, as a page and a figure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from benchmarks import contrastive, growth, profiling
from benchmarks.training import BASELINE, SEQUENTIAL
from dualcl_tutorial.notebook import COLOURS
from dualcl_tutorial.stats import compare, summarise

AIMS = [  # what, at least, of which rows
    ("training in float32, times the baseline", 2.0, "training", "package, fp32", "faster"),
    ("training in float32, share of the ceiling", 0.7, "training", "package, fp32", "share"),
    ("training in bf16, times the baseline", 2.5, "training", "package, bf16", "faster"),
    ("inference, times the baseline", 4.0, "inference", "package, fp32", "faster"),
    ("inference in bf16, times the baseline", 4.0, "inference", "package, bf16", "faster"),
    ("contrastive loss, times the release's", 2.0, "loss", contrastive.WHOLE, "faster"),
    ("contrastive loss in chunks, MiB (at most)", 200, "loss", contrastive.CHUNKED, "mib"),
]


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Write a table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def times(faster: tuple[float, float, float]) -> str:
    return f"{faster[0]:.2f} ({faster[1]:.2f} to {faster[2]:.2f})"


def aims(found: dict[str, Any]) -> str:
    """Set what was aimed at beside what was reached."""
    rows = []
    for what, aim, part, name, column in AIMS:
        for row in found[part]:
            if row["what"] != name:
                continue
            value = row[column][0] if column == "faster" else row[column]
            reached = value <= aim if column == "mib" else value >= aim
            shown = f"{value:.0f}" if column == "mib" else f"{value:.2f}"
            most = f"{value / row['share']:.2f}" if column == "faster" else ""
            title = f"{what}, {row['corpus']}" if "corpus" in row else what
            rows.append([title, aim, shown, "yes" if reached else "no", most])
    return table(["what", "aim", "reached", "met", "at the ceiling"], rows)


def shortfall(found: dict[str, Any]) -> str:
    """Say what a step spends beside matrix products, the largest first."""
    sentences = []
    for name, shares in found["profile"].items():
        rest = {k: v for k, v in shares.items() if k != profiling.MATRIX}
        largest = sorted(rest, key=rest.__getitem__, reverse=True)[:4]
        listed = ", ".join(f"{kind} ({rest[kind]:.0f} %)" for kind in largest)
        sentences.append(
            f"- **{name}**: {shares[profiling.MATRIX]:.0f} % are matrix products and attention; "
            f"the largest of the rest are {listed}."
        )
    return "\n".join(sentences)


def accuracies(found: dict[str, Any]) -> str:
    """Set the accuracies of the loops side by side, paired by seed."""
    runs = pd.DataFrame(found["accuracy"])
    means = summarise(runs, by=["method", "corpus"]).set_index(["corpus", "method"])
    pairs = compare(runs, a="package", b=SEQUENTIAL, by=["corpus"]).set_index("corpus")
    rows = []
    for corpus in found["sizes"]["corpora"]:
        both = [means.loc[(corpus, method)] for method in (BASELINE, SEQUENTIAL, "package")]
        pair = pairs.loc[corpus]
        inside = "yes" if pair.low <= 0 <= pair.high else "no"
        rows.append(
            [
                f"{corpus}, {found['sizes']['per_class'][corpus]} a class",
                *(f"{100 * one['mean']:.1f} ± {100 * one.sd:.1f}" for one in both),
                f"{100 * pair.difference:+.1f} ({100 * pair.low:+.1f} to {100 * pair.high:+.1f})",
                inside,
            ]
        )
    head = ["corpus", BASELINE, SEQUENTIAL, "package", "difference, 95 %", "0 is inside"]
    return table(head, rows)


def figure(curves: list[growth.Curve]) -> Figure:
    """Draw how time grows, beside how the operations grow."""
    drawn = Figure(figsize=(8, 5.6), layout="constrained", dpi=80)
    titles = {
        "examples": "preparing: sentences tokenized, an epoch planned",
        "classes": "a training step: classes K",
        "length": "a training step: words a sentence",
        "batch_size": "a training step: sentences in a batch",
    }
    for axes, curve in zip(drawn.subplots(2, 2).flat, curves, strict=True):
        axes.plot(curve.values, curve.expected, "--", color="gray", label="what is to be computed")
        axes.plot(curve.values, curve.time, "o-", color=COLOURS[0], label="time")
        axes.set(xscale="log", yscale="log", ylabel="multiple of the first point")
        axes.set_title(titles[curve.name], fontsize="medium")
        for axis, values in ((axes.xaxis, curve.values), (axes.yaxis, [1, 2, 5, 10, 20])):
            axis.set_ticks(values, [str(v) for v in values])
            axis.set_minor_formatter("")
        axes.minorticks_off()
        axes.legend(fontsize="small", loc="upper left")
    return drawn


def write(found: dict[str, Any], folder: Path) -> None:
    """Write README.md and growth.png."""
    folder.mkdir(parents=True, exist_ok=True)
    figure(found["growth"]).savefig(folder / "growth.png")
    (folder / "README.md").write_text(page(found), encoding="utf-8")


def page(found: dict[str, Any]) -> str:
    """Fill in the page."""
    sizes = found["sizes"]
    padded = ", ".join(
        f"{corpus} {share[BASELINE]:.0f} % (baseline) and {share['package']:.0f} % (package)"
        for corpus, share in found["padding"].items()
    )
    kinds = list(next(iter(found["profile"].values())))
    steps = ", ".join(
        f"{curve.name}: " + ", ".join(f"{e:.2f}" for e in growth.exponents(curve))
        for curve in found["growth"]
    )
    texts = {
        "machine": found["machine"],
        "rounds": sizes["rounds"],
        "encoder": sizes["encoder"],
        "batch_size": sizes["batch_size"],
        "examples": sizes["examples"],
        "tested": sizes["tested"],
        "features": f"{sizes['features']:,}",
        "width": sizes["width"],
        "last_seed": sizes["seeds"] - 1,
        "epochs": sizes["epochs"],
        "profiled": f"{sizes['profiled']} sentences of {sizes['corpora'][0]}",
        "aims": aims(found),
        "training": table(
            ["corpus", "loop", "times the baseline", "share of the ceiling"],
            (
                [r["corpus"], r["what"], times(r["faster"]), f"{100 * r['share']:.0f} %"]
                for r in found["training"]
            ),
        ),
        "padding": padded,
        "table": f"{next(iter(found['words'].values()))[0]:.0f}",
        "used": ", ".join(f"{c} {used:.0f} %" for c, (_, used) in found["words"].items()),
        "profile": table(
            ["% of the time", *found["profile"]],
            ([k, *(f"{shares[k]:.0f}" for shares in found["profile"].values())] for k in kinds),
        ),
        "shortfall": shortfall(found),
        "inference": table(
            ["corpus", "loop", "times the baseline", "share of the ceiling"],
            (
                [r["corpus"], r["what"], times(r["faster"]), f"{100 * r['share']:.0f} %"]
                for r in found["inference"]
            ),
        ),
        "optimizer": table(
            ["AdamW", "times plain"], ([r["what"], times(r["faster"])] for r in found["optimizer"])
        ),
        "loss": table(
            ["formula", "times the release's", "products alone", "peak memory, MiB"],
            (
                [r["what"], times(r["faster"]), f"{100 * r['share']:.0f} %", f"{r['mib']:.0f}"]
                for r in found["loss"]
            ),
        ),
        "accuracy": accuracies(found),
        "exponents": steps,
    }
    return (Path(__file__).parent / "page.md").read_text(encoding="utf-8").format(**texts)
