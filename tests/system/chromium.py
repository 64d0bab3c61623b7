"""A real browser, spoken to over its own pipe (Chrome DevTools Protocol): no driver, no port, no download."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACKAGE = "chromium"
PATIENCE = 20.0

# It reads commands from descriptor 3 and writes answers to 4.
_HANDS_OVER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
os.execvp(sys.argv[3], sys.argv[3:])
"""


def program() -> str | None:
    return (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )


class Browser:
    """Chromium without a window; `tab` opens a page in it."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="wardline-chromium-")
        to_it, ours_out = os.pipe()
        ours_in, from_it = os.pipe()
        command = [
            sys.executable, "-c", _HANDS_OVER, str(to_it), str(from_it), program() or PACKAGE,
            "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-extensions", "--mute-audio",
            "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            f"--user-data-dir={self._folder}", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, pass_fds=(to_it, from_it), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_it)
        os.close(from_it)
        self._out, self._in = ours_out, ours_in
        self._buffer = b""
        self._number = 0
        self.events: list[dict] = []

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.call("Browser.close")
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        os.close(self._in)
        shutil.rmtree(self._folder, ignore_errors=True)

    def tab(self) -> Tab:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Tab(self, session)

    def call(self, method: str, session: str = "", **params) -> dict:
        """What it answers; what it tells meanwhile goes to `events`."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        if session:
            asked["sessionId"] = session
        os.write(self._out, json.dumps(asked).encode() + b"\0")
        while True:
            told = self.hear(PATIENCE)
            assert told is not None, f"the browser does not answer {method}"
            if told.get("id") == self._number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]

    def hear(self, within: float) -> dict | None:
        """The next thing it says; None when it says nothing for so long."""
        end = time.monotonic() + within
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return None
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has gone"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        told = json.loads(line)
        if "method" in told:
            self.events.append(told)
        return told


class Tab:
    """One page. Every request it makes, every dialog and every complaint is written down."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params) -> dict:
        return self._browser.call(method, self._session, **params)

    def events(self, method: str) -> list[dict]:
        said = (e for e in self._browser.events if e.get("sessionId") == self._session)
        return [e["params"] for e in said if e["method"] == method]

    def go(self, url: str) -> None:
        """Open it, and wait until all of it is there."""
        before = len(self.events("Page.loadEventFired"))
        found = self.call("Page.navigate", url=url)
        assert not found.get("errorText"), f"{url}: {found['errorText']}"
        self._loaded(before)

    def send(self, form: str, **fields: str) -> None:
        """Fill a form in and send it, as a person does."""
        before = len(self.events("Page.loadEventFired"))
        assert self.run(
            "(function(form, fields) { const f = document.querySelector(form); if (!f) return false;"
            " for (const [name, value] of Object.entries(fields)) f.elements[name].value = value;"
            f" f.querySelector('button').click(); return true; }})({json.dumps(form)}, {json.dumps(fields)})"
        ), f"no form {form}"
        self._loaded(before)

    def run(self, expression: str):
        """What a script would see: the test's own, never the page's."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, text: str) -> None:
        """Keys, one after another: figures, "\t" and "\r"."""
        names = {"\t": ("Tab", 9), "\r": ("Enter", 13)}
        for letter in text:
            name, number = names.get(letter, (letter, ord(letter)))
            typed = {} if letter == "\t" else {"text": letter}
            key = {"key": name, "code": name, "windowsVirtualKeyCode": number}
            self.call("Input.dispatchKeyEvent", type="keyDown", **key, **typed)
            self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    @property
    def text(self) -> str:
        return self.run("document.body ? document.body.innerText : ''")

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip

    def prefer(self, *, scheme: str = "light", media: str = "") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def printed(self) -> bytes:
        """The page as PDF, as the printer gets it."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])

    def _loaded(self, before: int) -> None:
        end = time.monotonic() + PATIENCE
        while len(self.events("Page.loadEventFired")) == before:
            assert self._browser.hear(max(0.0, end - time.monotonic())), "the page does not load"
