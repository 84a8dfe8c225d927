"""What every notebook of the course starts with: seeds, style, sizes, figures and sliders.

The generated setup cell calls `setup`; lessons ask `mode`, `by_mode`, `encoder` and `corpus` for
what depends on the reader's machine, and end their figures with `show` or `live`.
"""

from __future__ import annotations

import base64
import io
import os
import platform
import random
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")

MODES = ("quick", "read", "full")
#: `corpus` says these words when it falls back; the course build refuses outputs that hold them.
FALLBACK = "stands in for"
#: Okabe and Ito's colours, told apart by colour-blind readers and in grey print.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def setup(seed: int = 0) -> None:
    """Seed, quiet the libraries, set the figure style and print where this notebook runs.

    Seeds Python's `random`, NumPy's global generator and torch.
    """
    import numpy as np
    import torch

    _quiet()
    _style()
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    if not torch.cuda.is_available() and torch.backends.mps.is_available():
        device = "Apple GPU (mps)"
    names = ("dualcl-tutorial", "torch", "transformers", "datasets", "numpy")
    versions = ", ".join(f"{name} {_version(name)}" for name in names)
    corpora = "DUALCL_DATA" if os.environ.get("DUALCL_DATA") else "cached or downloaded"
    if mode() == "quick":
        corpora = "bundled"
    print(
        f"Python {platform.python_version()}, {versions} | device: {device} | corpora: {corpora} | "
        f"encoder: {encoder()} | mode: {mode()} | seed {seed} for random, numpy and torch"
    )
    if "google.colab" in sys.modules and not torch.cuda.is_available():
        print(
            "No GPU here, which is enough for the lesson. To get one: Runtime, Change runtime type."
        )


def mode() -> str:
    """Return the sizes asked for by DUALCL_MODE: "quick", "read" (the default) or "full"."""
    value = os.environ.get("DUALCL_MODE") or "read"
    if value not in MODES:
        raise ValueError(f"DUALCL_MODE is {value!r}; set it to one of {', '.join(MODES)}.")
    return value


def by_mode(*, quick: T, read: T, full: T | None = None) -> T:
    """Return the value meant for the current `mode`; without `full`, that mode takes `read`."""
    return {"quick": quick, "read": read, "full": read if full is None else full}[mode()]


def encoder() -> str:
    """Return the encoder's name asked for by DUALCL_ENCODER, "minilm" by default."""
    return os.environ.get("DUALCL_ENCODER") or "minilm"


def corpus(name: str, fallback: str) -> str:
    """Return `name` if that corpus can be had here, else the bundled `fallback`, and say so.

    Quick mode always takes the fallback: it must not depend on files or on the network.
    """
    from dualcl_tutorial import corpora

    if mode() == "quick":
        print(f"Quick mode: the bundled {fallback} {FALLBACK} {name}.")
        return fallback
    try:
        corpora.load(name, validation=0)
    except corpora.CorpusUnavailable as error:
        print(f"The bundled {fallback} {FALLBACK} {name} in this notebook. ({error})")
        return fallback
    return name


def show(figure: Figure, alt: str) -> None:
    """Display a matplotlib figure as PNG, with `alt` for who cannot see it, and close it."""
    from IPython.display import display

    display(
        {"image/png": _base64(_png(figure)), "text/plain": f"[figure: {_alt(alt)}]"},
        metadata={"image/png": {"alt": _alt(alt)}},
        raw=True,
    )


def live(draw: Callable[..., Figure], *, alt: str, **controls: Any) -> None:
    """Display sliders that redraw a figure, with the figure at their first values for who has none.

    Args:
        draw: called with the controls' values by name; returns a new matplotlib figure.
        alt: what the figure at the first values shows, in a sentence.
        controls: ipywidgets with a `value`, such as `FloatSlider`; works with 7.7 and with 8.
    """
    from IPython.display import display

    box, bundle = live_box(draw, alt=alt, **controls)
    if box is not None and "google.colab" in sys.modules:
        display(box)  # Colab draws widgets by its own display hook, not out of a raw bundle
        return
    if box is not None:
        view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
        bundle = {**bundle, WIDGET_VIEW: view}
    display(bundle, metadata={"image/png": {"alt": _alt(alt)}}, raw=True)


def live_box(
    draw: Callable[..., Figure], *, alt: str, **controls: Any
) -> tuple[Any | None, dict[str, Any]]:
    """Return the container of `live` (None without ipywidgets) and its static twin, undisplayed.

    The container holds the controls, the values as text, and the picture, in this order.
    """
    png = _png(draw(**_values(controls)))  # a mistake in draw is an ordinary error of the cell
    text = _in_words(_values(controls))
    bundle = {"image/png": _base64(png), "text/plain": f"[figure: {_alt(alt)} Here {text}.]"}
    try:
        import ipywidgets
    except ImportError:
        return None, bundle
    # An Image, not an Output: an Output keeps exceptions where neither reader nor test sees them.
    picture = ipywidgets.Image(value=png, format="png")
    words = ipywidgets.Label(value=text)

    def redraw(_change: object = None) -> None:
        values = _values(controls)
        try:
            picture.value = _png(draw(**values))
            words.value = _in_words(values)
        except Exception as error:
            words.value = f"{_in_words(values)}: not drawn, {type(error).__name__}: {error}"

    for name, control in controls.items():
        control.description = control.description or name
        if hasattr(control, "continuous_update"):
            control.continuous_update = False
        control.observe(redraw, names="value")
    return ipywidgets.VBox([*controls.values(), words, picture]), bundle


def _values(controls: Mapping[str, Any]) -> dict[str, Any]:
    return {name: control.value for name, control in controls.items()}


def _in_words(values: Mapping[str, Any]) -> str:
    shown = (f"{v:.4g}" if isinstance(v, float) else f"{v}" for v in values.values())
    return ", ".join(f"{name} = {value}" for name, value in zip(values, shown, strict=True))


def _alt(alt: str) -> str:
    text = " ".join(alt.split())
    if not text:
        raise ValueError("A figure needs alt text: say in one sentence what it shows.")
    return text if text[-1] in ".!?" else f"{text}."


def _png(figure: Figure) -> bytes:
    """Draw a figure in 256 colours: less than half the bytes, and the same to the eye."""
    import matplotlib.pyplot as plt
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=90, bbox_inches="tight")
    plt.close(figure)
    palette = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    palette.save(small, format="PNG", optimize=True, dpi=(90, 90))
    return small.getvalue()


def _base64(png: bytes) -> str:
    return base64.b64encode(png).decode("ascii")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "(no version)"


def _quiet() -> None:
    # The libraries read these names when first imported, which keeps this function cheap.
    for name in ("TRANSFORMERS_VERBOSITY", "DATASETS_VERBOSITY", "HF_HUB_VERBOSITY"):
        os.environ.setdefault(name, "error")
    for name in ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if "transformers" in sys.modules:
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
    if "datasets" in sys.modules:
        import datasets

        datasets.logging.set_verbosity_error()
        datasets.disable_progress_bars()


def _style() -> None:
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=COLOURS),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "figure.dpi": 90,
            "figure.facecolor": "white",
            "figure.figsize": (6.0, 3.5),
            "font.size": 10,
            "image.cmap": "cividis",
            "legend.frameon": False,
            "savefig.facecolor": "white",
        }
    )
