"""Spreads of a user's model follow from its arithmetic and its values, so they are kept from run to run.

They lie where those of the cells do (`samestep.agreement.reference.spread_cache`), under a name made from
everything that they follow from. What replicas tell beside spreads (findings) is not kept: where there is
any, the spreads are measured again each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from samestep.agreement import arithmetic, limits
from samestep.agreement.arithmetic.program import Level, Program
from samestep.agreement.reference import scatter, spread
from samestep.agreement.reference.spread import Spread
from samestep.agreement.reference.spread_cache import SpreadCache, digest
from samestep.models.tensors import TensorKey, Tensors

#: Larger sets of spreads take as long to read as to measure, and push the others out of the folder.
LARGEST_SIGMA = 64 * 2**20

#: A program and the level of its replicas.
Runs = Sequence[tuple[Program[TensorKey], Level]]
Spreads = dict[TensorKey, Spread]


def kept_spreads(
    runs: Runs, exact: Tensors, follows_from: Callable[[], str], measure: Callable[[], list[Spreads]]
) -> list[Spreads]:
    """Return what ``measure`` returns, the spreads of each of ``runs``; where they are kept, at once.

    ``exact`` are the exact tensors under the keys of the spreads, and ``follows_from()`` is the digest of all
    that they follow from beside the programs.
    """
    floating = {key: value for key, value in exact.items() if value.dtype.kind == "f"}
    large = sum(value.size for value in floating.values()) * 4 * len(runs) > LARGEST_SIGMA
    signatures = [] if large else [program.signature for program, _ in runs]
    if large or not all(signatures):
        return measure()
    levels = [level.value for _, level in runs]
    place = digest(engine_source(), *signatures, *levels, follows_from())

    def flat() -> dict[str, Spread]:
        found = measure()
        return {
            f"{run} {at}": spreads[key]
            for run, spreads in enumerate(found)
            for at, key in enumerate(floating)
        }

    seen = _findings(runs)
    known = SpreadCache().get(place, flat, lambda: _findings(runs) == seen)
    return [{key: known[f"{run} {at}"] for at, key in enumerate(floating)} for run in range(len(runs))]


def digest_of(*parts: Tensors | Sequence[int]) -> str:
    """Return the digest of tensors by key, and of numbers."""
    flat: list[np.ndarray | str] = []
    for part in parts:
        if isinstance(part, Mapping):
            flat += [one for key, value in part.items() for one in (str(key), value)]
        else:
            flat.append(repr(part))
    return digest(*flat)


def _findings(runs: Runs) -> list[object]:
    return [finding for program, _ in runs for finding in program.findings]


@cache
def engine_source() -> str:
    """Return the digest of all that engines are written in: spreads of a changed one are measured again."""
    modules = [Path(str(module.__file__)) for module in (limits, scatter, spread)]
    engines = sorted(Path(str(arithmetic.__file__)).parent.rglob("*.py"))
    sources = [path.read_bytes() for path in (*modules, *engines, Path(__file__))]
    return digest(*sources, np.__version__)


def probe(own: Tensors) -> Mapping[TensorKey, np.ndarray]:
    """Return random tensors in the form of ``own``: what a translation makes of them tells which it is."""
    rng = np.random.default_rng(0)
    return {
        key: rng.standard_normal(value.shape) if value.dtype.kind == "f" else value
        for key, value in own.items()
    }
