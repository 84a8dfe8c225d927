"""The options of ``dualcl``: one name each, so that the commands in `cli` stay readable."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

_data = partial(Option, rich_help_panel="Data")
_method = partial(Option, rich_help_panel="Method")
_schedule = partial(Option, rich_help_panel="Schedule")
_run = partial(Option, rich_help_panel="Run")

# Of several commands.
Run = Annotated[Path, Argument(metavar="RUN", help="Folder of a finished run.")]
Json = Annotated[bool, Option("--json", help="Print JSON instead.")]
Version = Annotated[bool, Option("--version", help="Print the version.")]
TextColumn = Annotated[str | None, _data(help="For a file: its column of texts, else guessed.")]
LabelColumn = Annotated[str | None, _data(help="For a file: its column of labels, else guessed.")]

# Of train, as in training.TrainConfig.
Corpus = Annotated[
    str, _data(help="A name that 'dualcl data' lists, or a csv, tsv, jsonl or parquet file.")
]
Fraction = Annotated[float, _data(help="Share of the training texts to use.")]
PerClass = Annotated[int | None, _data(help="Number of texts of each class, instead of a share.")]
Validation = Annotated[
    float | None,
    _data(help="Share of them to keep for validation; 0.1 with --select validation, else 0."),
]
Test = Annotated[
    str | None, _data(help="For a file: a second file, or the share to test on; 0.2 if not given.")
]
LabelWords = Annotated[
    str | None, _data(help="Other words for the classes, in class order: 'bad,good'.")
]
Method = Annotated[str, _method(help="ce, scl, cl, label-aware or dualcl.")]
Encoder = Annotated[str, _method(help="minilm, bert, roberta, a hub id (owner/model) or a folder.")]
Weight = Annotated[
    float | None, _method(help="Weight (lambda) of the contrastive part; by encoder.")
]
Temperature = Annotated[float, _method(help="Temperature (tau) of the contrastive part.")]
ShuffleLabels = Annotated[
    bool, _method(help="Draw the order of the label words anew for each text and epoch.")
]
Positions = Annotated[str, _method(help="Positions of the label words: sequential or shared.")]
Pairing = Annotated[
    bool, _method(help="Leave no text alone of its class in a batch, where possible.")
]
MaxLength = Annotated[int, _method(help="Longest input in tokens, labels included.")]
Epochs = Annotated[int | None, _schedule(help="Passes over the training texts; by encoder.")]
Rate = Annotated[float | None, _schedule(help="Highest learning rate; by encoder.")]
FinalRate = Annotated[float | None, _schedule(help="Learning rate of the last step; by encoder.")]
BatchSize = Annotated[
    int | None, _schedule(help="Texts in a batch, over all processes; by encoder.")
]
MicroBatch = Annotated[
    int | None, _schedule(help="Texts in the encoder's memory at a time, for a large batch.")
]
Decay = Annotated[float, _schedule(help="AdamW's decay of weight matrices.")]
Warmup = Annotated[float, _schedule(help="Share of the steps in which the learning rate rises.")]
Clip = Annotated[float, _schedule(help="Longest gradient; a longer one is scaled down to it.")]
Select = Annotated[
    str, _schedule(help="Which epoch to keep: last, or validation for the best on that split.")
]
Precision = Annotated[
    str, _run(help="fp32, bf16, fp16, or auto for what the processor is fast at.")
]
Seed = Annotated[int, _run(help="Seed of everything random.")]
Output = Annotated[str | None, _run(help="Folder of the run; without it nothing is kept.")]
Resume = Annotated[bool, _run("--resume", help="Go on with an interrupted run.")]
Minutes = Annotated[float, _run(help="Minutes between checkpoints.")]
Steps = Annotated[int | None, _run(help="Steps between checkpoints, besides.")]
Progress = Annotated[bool, _run(help="Show how far the run is.")]

# Of the other commands.
Other = Annotated[
    str | None, _data(help="Other texts: the test split of a corpus, or all rows of a file.")
]
Texts = Annotated[list[str] | None, Argument(metavar="[TEXT]...", help="Texts, each in quotes.")]
File = Annotated[
    Path | None, Option(help="A text file, one text a line; stdin if there is neither.")
]
Layout = Annotated[str, Option("--format", help="text, jsonl or csv.")]
Name = Annotated[
    str | None, Argument(metavar="[NAME|FILE]", help="A corpus or a file; all corpora if none.")
]

# Of grid and table.
Declaration = Annotated[Path, Argument(metavar="GRID", help="YAML file that declares the runs.")]
Store = Annotated[Path, Option(help="Folder of the runs, one file each; made if need be.")]
Workers = Annotated[int, Option(help="Processes to start; each gets its share of the cores.")]
Engine = Annotated[str, Option(help="processes of this machine, or ray for Ray tasks.")]
Source = Annotated[Path, Argument(metavar="STORE|CSV", help="A store, or a CSV file of runs.")]
