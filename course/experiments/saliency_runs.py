"""What lesson 10 stores: pairs of trained models, their scores, and whether the scores can be believed.

    python course/experiments/saliency_runs.py cr    # results/lesson10_*.csv, then the same with
    python course/experiments/saliency_runs.py sst2

CE and DualCL on 10 % of the corpus, minilm, seeds 0 to 4 (a seed draws the tenth, too). Of each model:
how faithful its scores are on 200 test sentences of 5 to 20 words, drawn once; a map of its heads; the
scores of one sentence that the paper shows; and how much two models agree. Models and what was found
in them are kept in the user's cache, so that it can be stopped and started at any time. No sentence of
a corpus is written, the paper's two excepted. Integrated gradients take 8 steps here. Passes with words
taken out run in bfloat16 where training does; leave-one-out runs in float32.
"""

from __future__ import annotations

import json
import sys
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import platformdirs
import torch

from dualcl_tutorial import _looking, corpora, saliency
from dualcl_tutorial.saliency import Saliency
from dualcl_tutorial.training import TrainConfig, choose_precision, train

RESULTS = Path(__file__).resolve().parents[2] / "results"
CACHE = Path(platformdirs.user_cache_dir("dualcl-tutorial")) / "saliency_runs"
SEEDS, METHODS = range(5), ("ce", "dualcl")
SENTENCES, STEPS, FRACTIONS = 200, 8, (0.1, 0.2, 0.5)
# Where the paper's Figure 4 has its sentences from (test split, counted from 0).
QUOTED = {"cr": 299, "sst2": 49}


def main(corpus: str) -> None:
    """Train and measure what is missing, then write the tables."""
    found = []
    for seed, method in product(SEEDS, METHODS):
        kept = CACHE / f"{corpus}-{method}-{seed}.json"
        if not kept.exists():
            config = TrainConfig(
                corpus=corpus,
                method=method,
                fraction=0.1,
                seed=seed,
                output=CACHE / f"{corpus}-{method}-{seed}",
                resume=True,
                progress=False,
            )
            run = train(config)
            who = {"corpus": corpus, "method": method, "seed": seed}
            measured = measure(run.model, corpus, extra=seed == 0)
            text = json.dumps(who | {"accuracy": run.accuracy} | measured)
            part = kept.with_suffix(".part")
            part.write_text(text, encoding="utf-8")
            part.replace(kept)
            print(kept.stem, flush=True)
        found.append(json.loads(kept.read_text(encoding="utf-8")))
    write(corpus, found)


def measure(model: Any, corpus: str, *, extra: bool) -> dict[str, Any]:
    """Score the sentences in every way and take words out; with [MASK] too if extra."""
    texts = corpora.load(corpus, validation=0)["test"]["text"]
    fit = [text for text in texts if 5 <= len(text.split()) <= 20]
    some = [fit[i] for i in np.random.default_rng(0).permutation(len(fit))[:SENTENCES]]
    scores = all_scores(model, some)
    alone = scores["leave one out"]
    judged = {"delete": judge(model, scores, alone, "delete")}
    if extra:
        judged["mask"] = judge(model, scores, alone, "mask")
    quoted = {name: found[0] for name, found in all_scores(model, [texts[QUOTED[corpus]]]).items()}
    return {
        "judged": judged,
        "heads": heads(model, some, alone),
        "words": {name: [s.scores.tolist() for s in found] for name, found in scores.items()},
        "quoted": {
            name: {
                "words": s.words,
                "scores": s.scores.tolist(),
                "pieces": s.pieces.tolist(),
                "predicted": s.label,
                "probability": s.probability,
                "label_tokens": sum(s.labels.values()) if s.labels else None,
                "special": s.special,
            }
            for name, s in quoted.items()
        },
    }


def all_scores(model: Any, texts: list[str]) -> dict[str, list[Saliency]]:
    """Score texts in every way of the package, and at random."""
    found = {
        "nearness to [CLS]": saliency.cls_word_distance(model, texts),
        "attention from [CLS]": saliency.attention_from_cls(model, texts),
        "rollout": saliency.rollout(model, texts),
        "gradient x input": saliency.gradient_x_input(model, texts),
        "integrated gradients": saliency.integrated_gradients(model, texts, steps=STEPS),
        "leave one out": saliency.leave_one_out(model, texts),
    }
    if model.config.model_type == "dualcl":
        found["attention from the label"] = saliency.attention_from_label(model, texts)
    return found | {"random": saliency.random_scores(found["rollout"])}


def judge(
    model: Any, scores: dict[str, list[Saliency]], alone: list[Saliency], removal: Any
) -> list[dict[str, Any]]:
    """Take the top words out, then all others: one row a score, means over sentences."""
    every = [s for found in scores.values() for s in found]
    with torch.autocast("cpu", torch.bfloat16, enabled=choose_precision("auto") == "bf16"):
        out = saliency.deletion_curve(model, every, (0.0, *FRACTIONS), removal=removal)
        kept = saliency.deletion_curve(model, every, FRACTIONS, removal=removal, keep=True)
    rows = []
    for n, (name, found) in enumerate(scores.items()):
        here = slice(n * len(found), (n + 1) * len(found))
        p, left, only = out[here, 0], out[here, 1:], kept[here]
        taus = [_tau(s.scores, a.scores) for s, a in zip(found, alone, strict=True)]
        row = {"score": name, "comprehensiveness": float((p[:, None] - left).mean())}
        row |= {"sufficiency": float((p[:, None] - only).mean()), "tau": float(np.nanmean(taus))}
        row |= {f"left_{f}": float(left[:, i].mean()) for i, f in enumerate(FRACTIONS)}
        row |= {f"only_{f}": float(only[:, i].mean()) for i, f in enumerate(FRACTIONS)}
        rows.append(row | {"whole": float(p.mean())})
    return rows


def _tau(scores: np.ndarray, other: np.ndarray) -> Any:
    """Kendall's tau-b with `other` (n,), for scores (..., n)."""
    a, b = (np.sign(x[..., :, None] - x[..., None, :]) for x in (scores, other))
    with np.errstate(invalid="ignore"):
        return (a * b).sum((-1, -2)) / np.sqrt((a**2).sum((-1, -2)) * (b**2).sum((-1, -2)))


def heads(model: Any, texts: list[str], alone: list[Saliency]) -> list[list[float]]:
    """Rank correlation with leave-one-out of the [CLS] row of every layer and head, (layers, heads)."""
    read, start = _looking.read(model, texts), _looking.sentence_start(model)
    taus: list[Any] = [None] * len(texts)
    with (
        _looking.still(model, attention=True),
        _looking.kept(model, output_attentions=True) as seen,
        torch.inference_mode(),
    ):
        for rows in _looking.batches([len(s.ids) for s in read]):
            model(**_looking.framed(model, [read[i].ids for i in rows]))
            weights = torch.stack(seen["attentions"])[:, :, :, 0]  # (layers, N, heads, L)
            for n, i in enumerate(rows):
                own = weights[:, n, :, start : start + len(read[i].ids)].double().numpy()
                words = np.zeros((*own.shape[:2], len(read[i].words)))
                for j, word in enumerate(read[i].word_of):
                    words[..., word] += own[..., j]
                taus[i] = _tau(words, alone[i].scores)
    return np.nanmean(np.stack(taus), 0).tolist()


def write(corpus: str, found: list[dict[str, Any]]) -> None:
    """Put what was found in the models of a corpus into the tables."""
    judged, maps, quoted = [], [], []
    for one in found:
        who = {key: one[key] for key in ("corpus", "method", "seed")}
        for removal, rows in one["judged"].items():
            common = who | {"accuracy": one["accuracy"], "removal": removal, "sentences": SENTENCES}
            judged += [common | row for row in rows]
        for layer, row in enumerate(one["heads"], 1):
            maps += [
                who | {"layer": layer, "head": head, "tau": tau} for head, tau in enumerate(row, 1)
            ]
        for name, s in one["quoted"].items():
            common = {
                key: s[key] for key in ("predicted", "probability", "label_tokens", "special")
            }
            for i, word in enumerate(s["words"]):
                row = {"place": i, "word": word, "pieces": s["pieces"][i], "value": s["scores"][i]}
                quoted.append(who | common | {"score": name} | row)
    pairs = []
    for a, b in combinations(found, 2):
        if a["method"] == b["method"] or a["seed"] == b["seed"]:
            for name in a["words"].keys() & b["words"].keys() - {"random"}:
                both = list(zip(a["words"][name], b["words"][name], strict=True))
                rank = [pd.Series(x).corr(pd.Series(y), method="spearman") for x, y in both]
                same = [int(np.argmax(x) == np.argmax(y)) for x, y in both]
                pairs.append(
                    {
                        "corpus": corpus,
                        "score": name,
                        "pair": a["method"] if a["method"] == b["method"] else "ce and dualcl",
                        "seeds": f"{a['seed']} {b['seed']}",
                        "spearman": float(np.nanmean(rank)),
                        "same_top": float(np.mean(same)),
                    }
                )
    tables = {"faithfulness": judged, "heads": maps, "quoted": quoted, "pairs": pairs}
    for name, rows in tables.items():
        table = RESULTS / f"lesson10_{name}.csv"
        new = pd.DataFrame(rows).round(5)
        if table.exists():
            old = pd.read_csv(table)
            new = pd.concat([old[old.corpus != corpus], new])
        keys = [key for key in ("corpus", "method", "score", "pair", "seed", "seeds") if key in new]
        new.sort_values(keys, kind="stable").to_csv(table, index=False)


if __name__ == "__main__":
    main(sys.argv[1])
