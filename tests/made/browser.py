"""Headless Chromium, driven over a pipe in its own protocol: no driver and no package, and no network.

The protocol is JSON between NUL bytes on the descriptors 3 and 4 (``--remote-debugging-pipe``), documented at
https://chromedevtools.github.io/devtools-protocol/.
"""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

NAMES = ("chromium", "chromium-browser", "google-chrome")


def installed() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One page. ``requests`` are the addresses that it asked for, ``complaints`` its errors."""

    def __init__(self, to: BinaryIO, back: BinaryIO) -> None:
        self.to, self.back, self.numbers = to, back, itertools.count(1)
        self.session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        for answer in self._messages():
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
        raise RuntimeError("Chromium is gone")

    def _messages(self) -> Iterator[dict[str, Any]]:
        text = bytearray()
        while byte := self.back.read(1):
            if byte != b"\0":
                text += byte
                continue
            message = json.loads(text)
            text.clear()
            self._note(message.get("method"), message.get("params", {}))
            yield message

    def _note(self, method: str | None, event: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
            self.complaints.append(json.dumps(event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            self.complaints.append(event["entry"]["text"])

    def open(self, address: str, ready: str = "document.body?.dataset.drawn === 'yes'") -> None:
        """Load the page and wait until the expression is true."""
        self.send("Page.navigate", url="about:blank")
        self.requests.clear()
        self.complaints.clear()
        self.send("Page.navigate", url=address)
        self.wait(ready)

    def wait(self, ready: str) -> None:
        self.run(
            f"new Promise((yes, no) => {{ let left = 1200; const look = () => {{ if ({ready}) yes(true);"
            "else if (left-- > 0) setTimeout(look, 50); else no(Error('waited for a minute')); }; look(); })"
        )

    def run(self, script: str) -> Any:
        """The value of an expression, awaited."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError("\n".join([json.dumps(answer["exceptionDetails"])[:2000], *self.complaints]))
        return answer["result"].get("value")

    def size(self, width: int, height: int) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=width < 600,
        )  # fmt: skip

    def media(self, scheme: str = "light", medium: str = "") -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=medium, features=features)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self) -> bytes:
        return base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"])


@contextmanager
def chromium(profile: Path) -> Iterator[Tab]:
    """A tab of a fresh browser that resolves no host name."""
    there, to = _pipe()
    back, here = _pipe()
    command = [
        str(installed()), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--no-first-run", "--disable-dev-shm-usage",
        "--hide-scrollbars", f"--user-data-dir={profile}",
    ]  # fmt: skip
    actions = [
        (os.POSIX_SPAWN_DUP2, there, 3), (os.POSIX_SPAWN_DUP2, here, 4),
        *((os.POSIX_SPAWN_OPEN, output, os.devnull, os.O_WRONLY, 0) for output in (1, 2)),
    ]  # fmt: skip
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions, setpgroup=0)
    os.close(there)
    os.close(here)
    with os.fdopen(to, "wb") as writing, os.fdopen(back, "rb") as reading:
        try:
            yield Tab(writing, reading)
        finally:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _pipe() -> tuple[int, int]:
    """Out of the way of 3 and 4."""
    ends = os.pipe()
    high = fcntl.fcntl(ends[0], fcntl.F_DUPFD_CLOEXEC, 10), fcntl.fcntl(ends[1], fcntl.F_DUPFD_CLOEXEC, 10)
    for end in ends:
        os.close(end)
    return high
