"""Files that the process of a port file's reference makes for those of its candidates."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from samestep.workers import cleanup


class PortFiles:
    """A folder that lives as long as this process; each file in it is made once, when it is needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def made(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return the file of a name, made by ``make`` if it is not there."""
        with self._lock:
            path = self._place() / name
            if not path.is_file():
                make(path)
            return path

    def path(self, name: str) -> Path:
        """Return where a file of a name lies, whether it is there or not."""
        with self._lock:
            return self._place() / name

    def _place(self) -> Path:
        if self._folder is None:
            stack = ExitStack()
            self._folder = stack.enter_context(cleanup.temporary_folder())
            atexit.register(stack.close)
        return self._folder
