"""samestep: the same network, the same step, in every framework. Checked, then timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samestep.api import open_cell
    from samestep.errors import SamestepError

__version__ = "0.1.0"

__all__ = ["SamestepError", "__version__", "open_cell"]

#: Where the public names are defined; each is imported when it is asked for.
_PUBLIC = {"open_cell": "samestep.api", "SamestepError": "samestep.errors"}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'samestep' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
