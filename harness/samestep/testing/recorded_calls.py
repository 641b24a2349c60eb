"""Comparisons in two processes: the reference recorded in one, the candidate judged in another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from samestep.agreement.reference.spread_cache import digest
from samestep.models.asked import Inputs
from samestep.models.options import pair_of
from samestep.models.record_calls import KEYWORDS_OF_RECORD, KEYWORDS_OF_REPLAY, record, replay
from samestep.models.result import Result
from samestep.models.subject import ModelError

LETTERS, DIGITS = 80, 6
#: Options that are pairs (the candidate's, the reference's).
PAIRS = ("loss", "optimizer")


def record_path(folder: Path, node_id: str, call: int) -> Path:
    """Return the file of one comparison's reference in a folder of records: the same in every environment."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", node_id).strip("-.")[-LETTERS:]
    return folder / f"{name}-{digest(node_id, str(call))[:DIGITS]}.npz"


def record_reference(path: Path, reference: object, inputs: Inputs, options: Mapping[str, object]) -> None:
    """Record what a comparison with these options asks of its reference. Raises `SamestepError`."""
    if options.get("perturb"):
        raise ModelError("perturb=True moves both sides together, and a record has one: leave it out")
    record(reference, inputs, path, **_of_side(1, options, KEYWORDS_OF_RECORD))  # type: ignore[arg-type]


def judge_by_record(path: Path, candidate: object, options: Mapping[str, object]) -> Result:
    """Return how a candidate compares with a recorded reference. Raises `SamestepError`."""
    if not path.exists():
        place = f"{path.parent} has no {path.name}"
        raise ModelError(f"{place}: make it with --samestep-record={path.parent}")
    return replay(candidate, path, **_of_side(0, options, KEYWORDS_OF_REPLAY))  # type: ignore[arg-type]


def _of_side(side: int, options: Mapping[str, object], keywords: tuple[str, ...]) -> dict[str, object]:
    """The options that one side takes; of pairs its own, and of a loss that both have its name."""
    found: dict[str, object] = {}
    for name, value in options.items():
        if name not in keywords or value is None:
            continue
        if name in PAIRS and not isinstance(value, str):
            pair = pair_of(value, name)
            value = None if pair is None else pair[side]
        elif name in PAIRS and side == 0:  # the record has the name of the loss
            continue
        found[name] = value
    return found
