"""``dualcl`` on the command line (lessons 00, 06 and 08).

Each command is a thin layer over a function of the package. Whatever goes wrong becomes one
sentence on stderr and an exit code: 2 for what was asked, 1 for the machine, 130 for Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from pathlib import Path
from typing import Any

import typer

from dualcl_tutorial import _options
from dualcl_tutorial._console import (
    LAYOUTS,
    Commands,
    description,
    judged,
    open_run,
    plan,
    read_lines,
    standard_error,
    table,
)

app = typer.Typer(
    name="dualcl",
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: [bold]dualcl train --corpus mini-reviews --output runs/first[/bold]",
)


@app.callback(invoke_without_command=True)
def _top(ctx: typer.Context, version: _options.Version = False) -> None:
    """Dual Contrastive Learning for text classification: train, judge and use a classifier."""
    if version:
        from dualcl_tutorial import __version__

        typer.echo(f"dualcl {__version__}")
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


@app.command(
    epilog="Examples:\n\n"
    "dualcl train --corpus mini-reviews --output runs/first\n\n"
    "dualcl train --corpus cr --method ce --fraction 0.1 --seed 1 --output runs/cr-ce\n\n"
    "dualcl train --corpus reviews.csv --label-words 'bad,good' --output runs/mine"
)
def train(
    corpus: _options.Corpus,
    method: _options.Method = "dualcl",
    encoder: _options.Encoder = "minilm",
    fraction: _options.Fraction = 1.0,
    per_class: _options.PerClass = None,
    validation: _options.Validation = None,
    test: _options.Test = None,
    text_column: _options.TextColumn = None,
    label_column: _options.LabelColumn = None,
    label_words: _options.LabelWords = None,
    epochs: _options.Epochs = None,
    lr: _options.Rate = None,
    final_lr: _options.FinalRate = None,
    batch_size: _options.BatchSize = None,
    micro_batch: _options.MicroBatch = None,
    weight: _options.Weight = None,
    temperature: _options.Temperature = 0.1,
    weight_decay: _options.Decay = 0.01,
    warmup: _options.Warmup = 0.1,
    clip: _options.Clip = 1.0,
    shuffle_labels: _options.ShuffleLabels = True,
    positions: _options.Positions = "sequential",
    pairing: _options.Pairing = True,
    max_length: _options.MaxLength = 128,
    precision: _options.Precision = "auto",
    select: _options.Select = "last",
    seed: _options.Seed = 0,
    output: _options.Output = None,
    resume: _options.Resume = False,
    checkpoint_minutes: _options.Minutes = 5.0,
    checkpoint_steps: _options.Steps = None,
    progress: _options.Progress = True,
) -> None:
    """Train a classifier, judge it on the whole test split, keep it in a folder.

    Ctrl-C ends the run after the step it is in and saves it; --resume goes on from there. On
    several GPUs: accelerate launch -m dualcl_tutorial train ..., each takes its share of a batch.
    """
    given: dict[str, Any] = dict(locals())
    from dualcl_tutorial import training

    if label_words is not None:
        given["label_words"] = tuple(word.strip() for word in label_words.split(","))
    with contextlib.suppress(ValueError, TypeError):  # a share; or else a second file, or nothing
        given["test"] = float(given["test"])
    config = training.TrainConfig(**given).resolved()
    _check_output(output)
    first = os.environ.get("RANK", "0") == "0"  # of several processes one speaks
    if first and not (output and Path(output).exists()):
        typer.echo(plan(config))
    result = training.train(config)
    if not first:
        return
    if result.interrupted:
        if not output:
            typer.echo("dualcl: Interrupted; without --output nothing was kept.", err=True)
        raise typer.Exit(130)
    typer.echo(judged(result.predictions))
    follow = f'dualcl predict {shlex.quote(output)} "a text of your own"' if output else ""
    typer.echo(f"Next: {follow}" if follow else "Nothing was kept: --output names a folder.")


def _check_output(output: str | None) -> None:
    """Refuse an output that cannot be written before the work, not after it."""
    if output:
        place = next(folder for folder in Path(output).absolute().parents if folder.exists())
        if not place.is_dir() or not os.access(place, os.W_OK):
            raise ValueError(
                f"Expected an output that can be written, but {place} does not allow it: choose "
                "another --output."
            )


@app.command(
    epilog="Examples:\n\ndualcl evaluate runs/cr\n\n"
    "dualcl evaluate runs/cr --corpus mini-reviews --json"
)
def evaluate(
    run: _options.Run,
    corpus: _options.Other = None,
    text_column: _options.TextColumn = None,
    label_column: _options.LabelColumn = None,
    as_json: _options.Json = False,
) -> None:
    """Judge a run: accuracy with its standard error, and recall of each class."""
    from dualcl_tutorial import training

    loaded = open_run(run)
    words = list(loaded.model.label_words)
    if corpus is None or corpus == loaded.config.corpus:
        split: Any = training.load_corpus(loaded.config)["test"]
    else:
        split = _other_texts(corpus, text_column, label_column, loaded.config, words)
    frame = training.evaluate(loaded.model, split).predictions
    rows: list[dict[str, Any]] = []
    for k, word in enumerate(words):
        own = frame[frame.label == k]
        right = int((own.predicted == k).sum())
        recall = right / len(own) if len(own) else None
        predicted = int((frame.predicted == k).sum())
        row = {"label": word, "texts": len(own), "predicted": predicted, "right": right}
        rows.append(row | {"recall": recall})
    if as_json:
        accuracy = float((frame.label == frame.predicted).mean())
        whole = {
            "run": str(run),
            "corpus": corpus or loaded.config.corpus,
            "accuracy": accuracy,
            "standard_error": standard_error(accuracy, len(frame)),
            "texts": len(frame),
            "classes": rows,
        }
        typer.echo(json.dumps(whole, indent=2, ensure_ascii=False))
        return
    typer.echo(judged(frame))
    cells = [
        [
            *map(str, list(row.values())[:4]),
            "-" if row["recall"] is None else f"{row['recall']:.1%}",
        ]
        for row in rows
    ]
    table(["class", "texts", "predicted", "right", "recall"], cells)


def _other_texts(
    corpus: str, text_column: str | None, label_column: str | None, config: Any, words: list[str]
) -> dict[str, list[Any]]:
    """Read texts a run has not been trained for, their labels as the run numbers them."""
    from dualcl_tutorial import _files, corpora

    path = Path(corpus).expanduser()
    if corpus not in corpora.CORPORA and (path.suffix.lower() in _files.TABLES or path.exists()):
        texts, labels = _files.texts_and_labels(path, text_column, label_column)
    else:
        test = corpora.load(corpus, text_column=text_column, label_column=label_column)["test"]
        names = test.features["label"].names
        texts, labels = list(test["text"]), [names[k] for k in test["label"]]
    known = {word: k for k, word in enumerate(words)}
    if config.label_words and config.corpus in corpora.CORPORA:  # the classes' own names, too
        known |= {word: k for k, word in enumerate(corpora.CORPORA[config.corpus].label_words)}
    unseen = sorted(set(labels) - set(known))
    if unseen:
        raise ValueError(
            f"{corpus} has labels that the run was not trained on ({', '.join(unseen)}; known are "
            f"{', '.join(words)}): correct them, or train with texts of these classes."
        )
    return {"text": texts, "label": [known[label] for label in labels]}


@app.command(
    epilog='Examples:\n\ndualcl predict runs/cr "the battery died after a week"\n\n'
    "dualcl predict runs/cr --file texts.txt --format csv > answers.csv\n\n"
    "cat texts.txt | dualcl predict runs/cr --format jsonl"
)
def predict(
    run: _options.Run,
    texts: _options.Texts = None,
    file: _options.File = None,
    layout: _options.Layout = "text",
) -> None:
    """Give the label and the probability of each class for texts, a file or stdin."""
    if layout not in LAYOUTS:
        raise ValueError(f"Expected a format out of {', '.join(LAYOUTS)}, got {layout!r}.")
    if texts and file:
        raise ValueError("Expected texts or --file, got both: leave one of them out.")
    lines = texts or read_lines(file)
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            raise ValueError(f"Expected a text with at least one word, but text {number} is empty.")
    answers = open_run(run).model.predict(lines)
    LAYOUTS[layout]([{"text": t, **a} for t, a in zip(lines, answers, strict=True)])


@app.command(epilog="Examples:\n\ndualcl data\n\ndualcl data cr\n\ndualcl data reviews.csv --json")
def data(
    name: _options.Name = None,
    text_column: _options.TextColumn = None,
    label_column: _options.LabelColumn = None,
    as_json: _options.Json = False,
) -> None:
    """List the corpora: sizes, classes, where from, duplicates, leaks. Never a text."""
    from dataclasses import asdict

    from dualcl_tutorial.corpora import CORPORA, describe

    if name is None:
        found = [describe(known) for known in CORPORA]
    else:
        found = [describe(name, text_column=text_column, label_column=label_column)]
    if as_json:
        rows = [asdict(row) for row in found]
        for row in rows:
            row["mean_words"] = row["mean_words"] if row["available"] else None  # JSON has no NaN
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ["corpus", "where", "train", "test", "words", "duplicates", "leaks", "classes in train"]
    table(heads, [description(corpus) for corpus in found])
    for corpus in found:
        typer.echo(f"{corpus.name}: {corpus.title}. {corpus.note}".rstrip())


@app.command(
    epilog="Examples:\n\ndualcl grid grid.yaml --store runs/grid\n\n"
    "dualcl grid grid.yaml --store runs/grid --workers 4\n\n"
    "dualcl grid grid.yaml --store /shared/grid --workers 16 --engine ray"
)
def grid(
    declaration: _options.Declaration,
    store: _options.Store,
    workers: _options.Workers = 1,
    engine: _options.Engine = "processes",
) -> None:
    """Do every run of a grid that its store lacks; stop and repeat it as you like.

    The grid is a YAML file: methods, corpora, fractions or per_class, encoders, seeds, settings.
    """
    from dualcl_tutorial.experiments import Grid, run_grid

    declared = Grid.read(declaration)
    runs = run_grid(declared, store, workers=workers, engine=engine)
    typer.echo(f"{len(runs)} of {len(declared)} runs are in {store}; next: dualcl table {store}")
    if missing := len(declared) - len(runs):
        typer.echo(f"dualcl: {missing} of {len(declared)} runs are not done, see above.", err=True)
        raise typer.Exit(1)


@app.command(name="table", epilog="Examples:\n\ndualcl table runs/grid > table.md")
def print_table(source: _options.Source) -> None:
    """Print stored runs as Markdown tables, with the paper's Table 2 beside them."""
    from dualcl_tutorial._tables import markdown, read_runs
    from dualcl_tutorial.plots.shared import read_results

    typer.echo(markdown(read_runs(source), read_results("paper_table2")))


@app.command(epilog="Examples:\n\ndualcl doctor\n\ndualcl doctor --json > doctor.json")
def doctor(as_json: _options.Json = False) -> None:
    """Show versions, device, corpora and encoders, and what to do about what is missing."""
    from dualcl_tutorial._doctor import examine, report

    found = examine()
    typer.echo(json.dumps(found, indent=2) if as_json else report(found))


def main() -> None:
    """Run the command line."""
    app(prog_name="dualcl")


if __name__ == "__main__":
    main()
