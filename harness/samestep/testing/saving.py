"""From one comparison of a test to the bundle that replays it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np

from samestep.agreement.reference.spread_cache import digest
from samestep.models.asked import Inputs, ask
from samestep.models.calls import compare
from samestep.models.options import dtypes_of
from samestep.models.recorded.made_with import Made, device_of
from samestep.models.result import Result
from samestep.models.result_text import headline
from samestep.testing.bundle import Asked, Bundle, SavedCall
from samestep.testing.same_models import parameter_digests

#: What `samestep.compare` does where nothing is said.
DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(compare).parameters.items()
    if parameter.default is not parameter.empty
}
#: Letters of a test's name in the name of a file, and digits of the digest after it.
LETTERS, DIGITS = 60, 6


def saved_call(
    node_id: str,
    call: int,
    result: Result,
    models: tuple[object, object],
    inputs: Inputs,
    options: Mapping[str, object],
    generators: Mapping[str, np.ndarray],
) -> SavedCall:
    """Return one comparison, made with ``options``, as it is kept in a bundle."""
    all_options = {**DEFAULTS, **options}
    asked = Asked(**{one.name: all_options[one.name] for one in fields(Asked)} | {
        "dtypes": dtypes_of(all_options["dtypes"])
    })  # fmt: skip
    question = ask(inputs, all_options["loss"], all_options["targets"], asked.seed).reference
    bundle = Bundle(
        node_id, call, result.verdict, headline(result), asked, Made.here(device_of(models[1])),
        question.keywords, parameter_digests(*models),
    )  # fmt: skip
    return SavedCall(bundle, question.inputs, question.targets, generators)


def file_name(saved: SavedCall) -> str:
    """Return the name of a bundle's file: the test's, and a digest of what was asked of it.

    The same comparison has the same name, so that it is replaced and not piled up.
    """
    bundle = saved.bundle
    test = re.sub(r"[^A-Za-z0-9_.-]+", "-", bundle.node_id.rpartition("::")[2]).strip("-.")[:LETTERS]
    arrays = [*saved.inputs, *([] if saved.targets is None else [saved.targets])]
    told = digest(bundle.node_id, str(bundle.call), repr(bundle.asked), *bundle.keywords, *arrays)
    return f"{test or 'test'}-{told[:DIGITS]}.npz"


def write_bundle(saved: SavedCall, folder: Path) -> Path:
    """Write a bundle into a folder, which version control is told to leave out; return its path.

    Raises `SamestepError` where it cannot be written.
    """
    path = folder / file_name(saved)
    saved.write(path)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("# Bundles of tests, made by samestep.\n*\n", encoding="utf-8")
    return path
