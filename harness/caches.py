"""Where samestep keeps what it can make again: SAMESTEP_CACHE, or the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("SAMESTEP_CACHE") or Path(base) / "samestep")
