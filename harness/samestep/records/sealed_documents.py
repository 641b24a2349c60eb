"""A sealed file of one kind: its document read as the dataclass that it was written from.

Such a dataclass has fields ``kind`` and ``format``, whose defaults are what the files of this samestep say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from samestep.codec import Malformed, decode
from samestep.errors import SamestepError
from samestep.records import sealed_arrays

T = TypeVar("T")


def is_one(document: Mapping[str, object], form: type[object]) -> bool:
    """Return whether the document of a sealed file is of that form's kind."""
    return document.get("kind") == _default(form, "kind")


def read_one(path: str | Path, form: type[T], what: str, advice: str) -> tuple[T, dict[str, np.ndarray]]:
    """Return the document and the arrays of a sealed file.

    ``what`` names the kind in messages ("record of a reference"), and ``advice`` what to do with a file of
    another format. Raises `SamestepError`, in one line, for a file that is none of the kind.
    """
    document, arrays = sealed_arrays.read(path)
    if not is_one(document, form):
        raise SamestepError(f"{path} is no {what}, but another file of samestep's")
    own, its = _default(form, "format"), document.get("format")
    if its != own:
        name = what.partition(" ")[0]
        raise SamestepError(f"{path} is a {name} of format {its}, and this samestep reads {own}: {advice}")
    try:
        return decode(form, document), arrays
    except Malformed as wrong:
        raise SamestepError(f"{path} is no {what}: {wrong}") from wrong


def _default(form: type[object], name: str) -> object:
    (found,) = (one.default for one in fields(cast("type", form)) if one.name == name)
    assert found is not MISSING
    return found
