"""Lessons in a real JupyterLab in a real Chromium: open, run all, look for what went wrong.

Whatever lies in notebooks/ can be opened, so a new lesson needs no change here. Three traps this
file knows: the toolbar says "idle" before a kernel is connected, `page.evaluate` has no time limit,
and JupyterLab draws a traceback as stderr, also inside a widget.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY = """() => {
    const widget = window.jupyterapp?.shell?.currentWidget;
    const session = widget?.sessionContext;
    return widget?.content?.model?.cells?.length > 0 && widget.context?.isReady && session?.isReady
        && session.session?.kernel?.connectionStatus === 'connected'
        && session.session.kernel.status === 'idle' }"""
RUN_ALL = """limit => Promise.race([
    window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => 'done'),
    new Promise(resolve => setTimeout(() => resolve('timeout'), limit))])"""
NOT_RUN = """() => window.jupyterapp.shell.currentWidget.content.widgets.filter(
    cell => cell.model.type === 'code' && cell.model.sharedModel.source.trim()
        && !cell.model.executionCount).map(cell => cell.model.sharedModel.id)"""
OVER = """() => [...document.querySelectorAll('.jp-OutputArea-output img')].filter(
    x => x.getBoundingClientRect().right > window.innerWidth + 1).length"""
ANSWER = """handle => {
    const box = handle.closest('.widget-vbox') ?? handle.closest('.jp-OutputArea-output');
    const words = [...box.querySelectorAll(':scope > .widget-label')].map(x => x.textContent);
    const pictures = [...box.querySelectorAll('img')].map(x => x.src);
    return words.concat(pictures).join('|') }"""
# What a reader can move: sliders, lists, boxes to tick, and of a row of buttons one not pressed.
CONTROLS = (
    ".jp-OutputArea-output :is("
    + ", ".join(
        (
            ".noUi-handle",
            ".widget-dropdown select",
            ".widget-checkbox input",
            ".widget-toggle-buttons button:not(.mod-active):first-of-type",
            ".widget-toggle-buttons button.mod-active:first-of-type + button",
        )
    )
    + ")"
)
HEIGHT = """() => Math.max(...[...document.querySelectorAll(
    '.jp-Notebook, .jp-WindowedPanel-outer, .jp-WindowedPanel-inner')].map(x => x.scrollHeight))"""
TOP = """() => document.querySelectorAll('.jp-Notebook, .jp-WindowedPanel-outer').forEach(
    panel => { panel.scrollTop = 0 })"""
# What the browser says about files it could not get, such as badges without a network.
NETWORK = "Failed to load resource"
TRACEBACK = "Traceback (most recent call last)"


class Lab(NamedTuple):
    """A running JupyterLab: its address and its token."""

    address: str
    token: str


def missing() -> str:
    """Say in a sentence why no browser can be used here; empty if one can."""
    if CHROMIUM is None:
        return "there is no Chromium (apt-get install chromium)"
    try:
        import jupyterlab  # noqa: F401
        import playwright.sync_api  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed"
    return ""


@contextlib.contextmanager
def lab(
    folder: Path, notebooks: list[Path], *, mode: str = "quick", theme: str = "JupyterLab Light"
) -> Iterator[Lab]:
    """Serve copies of notebooks with a JupyterLab that knows no settings but its own.

    Args:
        folder: an empty folder for the copies, the settings and the log.
        notebooks: what to copy; a save never touches the original.
        mode: the sizes the notebooks run at (DUALCL_MODE).
        theme: JupyterLab's name of the colours.
    """
    root, home = folder / "notebooks", folder / "home"
    root.mkdir(parents=True)
    for notebook in notebooks:
        shutil.copy(notebook, root)
    settings = home / "settings" / "@jupyterlab"
    _write(settings / "apputils-extension" / "notification.jupyterlab-settings", fetchNews="false")
    _write(settings / "apputils-extension" / "themes.jupyterlab-settings", theme=theme)
    # All cells are in the page at once: what is out of view is not drawn otherwise.
    tracker = settings / "notebook-extension" / "tracker.jupyterlab-settings"
    _write(tracker, windowingMode="none")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, address = secrets.token_hex(16), f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"),
        *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}"),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"),
    ]
    path = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "DUALCL_MODE": mode,
        "DUALCL_PROGRESS": str(home / "progress.json"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    environment.pop("MPLBACKEND", None)  # a kernel chooses its own
    with (home / "lab.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(f"{address}/api/status?token={token}", server, home / "lab.log")
            yield Lab(address, token)
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Start a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def open_lesson(
    browser: Any, lab: Lab, name: str, *, width: int = 1200, zoom: int = 1, seconds: float = 60
) -> Any:
    """Open a notebook alone in a page and wait until its kernel can be asked.

    Args:
        browser: from :func:`chromium`.
        lab: from :func:`lab`.
        name: the notebook's file name.
        width: of the window, in pixels.
        zoom: 2 is 200 %: a pixel of the page takes 2 by 2 of the window.
        seconds: to wait for the kernel.
    """
    size = {"width": width // zoom, "height": 1000 // zoom}
    page = browser.new_page(viewport=size, device_scale_factor=zoom)
    page.set_default_timeout(30_000)
    page.errors = []
    page.on("console", lambda said: said.type == "error" and page.errors.append(said.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(f"{lab.address}/doc/tree/{name}?token={lab.token}&reset")
    page.wait_for_function(READY, timeout=1000 * seconds)
    return page


def run_all(page: Any, *, seconds: float = 240) -> None:
    """Run every cell and raise AssertionError about the first thing that went wrong."""
    ended = page.evaluate(RUN_ALL, 1000 * seconds)
    assert ended == "done", f"the notebook still ran after {seconds} seconds"
    page.wait_for_timeout(1500)  # widgets are drawn over comms, a little after the cell's reply
    assert not problems(page), problems(page)[0]
    left = page.evaluate(NOT_RUN)
    assert not left, f"cell {left[0]} did not run"


def problems(page: Any) -> list[str]:
    """Return tracebacks, widgets not displayed, figures not drawn and errors of the page itself."""
    outputs = page.locator(".jp-OutputArea-output")
    found = outputs.filter(has_text=TRACEBACK).all_inner_texts()
    found += outputs.filter(has_text="Error displaying widget").all_inner_texts()
    found += [t for t in outputs.all_inner_texts() if ": not drawn, " in t]
    return found + [error for error in page.errors if not error.startswith(NETWORK)]


def controls(page: Any) -> list[Any]:
    """Return all sliders, lists, boxes to tick and rows of buttons, from top to bottom."""
    return page.query_selector_all(CONTROLS)


def move(page: Any, control: Any, *, seconds: float = 30) -> bool:
    """Change a control once, by the keyboard; say whether the words or picture below answered."""
    control.scroll_into_view_if_needed()
    answer = control.evaluate(ANSWER)
    kind = control.evaluate("x => x.tagName")
    control.focus()
    if kind == "DIV":
        value = control.get_attribute("aria-valuenow")
        for key in ("ArrowRight", "ArrowLeft"):  # the other way where the range ends
            control.press(key)
            page.wait_for_timeout(250)
            if control.get_attribute("aria-valuenow") != value:
                break
    elif kind == "SELECT":
        shown, entries = control.evaluate("x => [x.selectedIndex, x.length]")
        control.select_option(index=(shown + 1) % entries)
    else:
        control.press("Space")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if control.evaluate(ANSWER) != answer:
            return True
        page.wait_for_timeout(250)
    return False


def type_into(page: Any, label: str, text: str) -> tuple[str, bool]:
    """Type into the text box with this label, press Enter, and wait for its answer.

    Returns:
        What the box says afterwards, and whether its picture changed.
    """
    box = page.locator(".widget-vbox").filter(has=page.get_by_label(label, exact=True)).last
    status, picture = box.locator("[role=status]"), box.locator("img")
    said, drawn = status.inner_text(), picture.get_attribute("src")
    field = box.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")
    for _ in range(120):
        if status.inner_text() != said:
            break
        page.wait_for_timeout(250)
    page.wait_for_timeout(500)
    return status.inner_text(), picture.get_attribute("src") != drawn


def visit(browser: Any, lab: Lab, name: str, folder: Path, **window: int) -> Path:
    """Open a lesson, run it, move every control once; return the path of a picture of the page.

    Raises:
        AssertionError: about a traceback, a widget that is not displayed, an error in the console,
            a cell that did not run, a picture wider than the window, or a control nothing
            answers to.
    """
    page = open_lesson(browser, lab, name, **window)
    try:
        run_all(page)
        for number, control in enumerate(controls(page), 1):
            what = control.evaluate("x => `${x.tagName} ${x.ariaLabel ?? x.textContent}`")
            assert move(page, control), f"nothing answered to control {number} of {name}: {what}"
        assert not problems(page), problems(page)[0]
        assert not (wide := page.evaluate(OVER)), f"{wide} pictures of {name} leave the window"
    finally:
        path = picture(page, folder / f"{Path(name).stem}.png")
        page.close()
    return path


def picture(page: Any, path: Path) -> Path:
    """Save a picture of the whole notebook, not only of what is in view, and return its path."""
    height = page.evaluate(HEIGHT)
    size = page.viewport_size
    page.set_viewport_size({"width": size["width"], "height": min(height + 150, 16_000)})
    page.evaluate(TOP)
    page.wait_for_timeout(1000)
    page.screenshot(path=str(path))
    page.set_viewport_size(size)
    return path


def _write(path: Path, **values: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start: {log.read_text(errors='replace')[-2000:]}")
