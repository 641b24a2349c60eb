"""A framework that is not installed: the test is skipped, with the line that installs it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

#: The frameworks, and what pip calls them.
DISTRIBUTIONS = {
    "torch": "torch",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "flax": "flax",
    "equinox": "equinox",
    "optax": "optax",
    "keras": "keras",
    "transformers": "transformers",
    "onnxruntime": "onnxruntime",
}


class NotInstalled(ModuleNotFoundError):
    """A package that a test says it needs is not installed."""


def refuse_missing(names: Iterable[str]) -> None:
    """Raise `NotInstalled` for the first package that is not installed."""
    for name in names:
        if find_spec(name.partition(".")[0]) is None:
            raise NotInstalled(f"No module named {name!r}", name=name)


def said_of_missing(error: BaseException | None) -> str | None:
    """Return why a test cannot run here, and what installs it; None for any other error.

    An installed package that fails to import is another error: that it is broken must be seen.
    """
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    name = error.name.partition(".")[0]
    if find_spec(name) is not None or not (name in DISTRIBUTIONS or isinstance(error, NotInstalled)):
        return None
    return f"{name} is not installed: python -m pip install {DISTRIBUTIONS.get(name, name)}"
