"""What a caller may set, checked once, in one line each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from samestep.agreement.arithmetic.program import Contract
from samestep.models.dtypes import AS_GIVEN, NAMES
from samestep.models.subject import ModelError
from samestep.nearest_name import did_you_mean

#: From the reference's arrays by name to the candidate's, by name or nested.
Convert = Callable[[dict[str, np.ndarray]], object]
#: The candidate's layers and the reference's that they are: names, with {i} for repeated ones, or tuples.
LayerNames = Mapping[str | tuple[str, ...], str | tuple[str, ...]]

#: What `samestep.compare` takes by keyword.
KEYWORDS = (
    "loss", "targets", "convert", "convert_state", "layers", "optimizer", "steps", "contract", "dtypes",
    "replicas", "seed", "strict", "perturb", "variants", "msg",
)  # fmt: skip

#: What `samestep.limits` takes by keyword.
KEYWORDS_OF_LIMITS = ("loss", "targets", "contract", "replicas", "seed")

#: An index in a layer's name: {i}.
INDEX = re.compile(r"\{(\w+)\}")

#: The same right function in weaker arithmetic than float32 is accepted.
WEAKER = "weaker"


#: Replicas of runs beside the one that a verdict rests on: what they look for stands far above rounding.
FEW_REPLICAS = 12


@dataclass(frozen=True)
class Options:
    """How a comparison is made; see `samestep.compare` for what each means."""

    convert: Convert | None = None
    convert_state: Convert | None = None
    layers: LayerNames | None = None
    optimizer: tuple[object, object] | None = None
    steps: int = 3
    contract: Contract = Contract.FLOAT32
    declared: bool = False
    replicas: int = 24
    seed: int = 0
    strict: bool = False
    perturb: bool = False
    variants: bool = True
    msg: str | None = None
    dtypes: tuple[str, ...] = (AS_GIVEN,)

    @property
    def with_few_replicas(self) -> Options:
        """The same options with fewer replicas, for runs that show where or what, and decide no verdict."""
        return replace(self, replicas=min(self.replicas, FEW_REPLICAS))


def contract_of(name: str | None) -> tuple[Contract, bool]:
    """Return the arithmetic that a contract declares, and whether weaker arithmetic is accepted.

    Raises `ModelError` for a name that is none.
    """
    if name is None:
        return Contract.FLOAT32, False
    if name == WEAKER:
        return Contract.FLOAT32, True
    names = [contract.value for contract in Contract]
    if name not in names:
        hint = did_you_mean(str(name).replace("bf", "bfloat"), [*names, WEAKER])
        raise ModelError(f"contract={name!r} is not one of {', '.join([*names, WEAKER])}{hint}")
    return Contract(name), False


def refuse_tolerances(unknown: Mapping[str, object], keywords: Sequence[str] = KEYWORDS) -> None:
    """Raise TypeError for keywords that do not exist; tolerances get the reason."""
    for name in unknown:
        if name in ("rtol", "atol", "tol", "tolerance", "equal_nan"):
            raise TypeError(
                f"samestep takes no {name}: limits are derived from the arithmetic. Declare other arithmetic "
                'with contract="tf32", "bfloat16", "float16" or "weaker"; samestep.limits(reference, inputs) '
                "prints how large correct errors are"
            )
        near = get_close_matches(name, keywords, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}=?" if near else f": there are {', '.join(keywords)}"
        raise TypeError(f"unexpected keyword argument {name!r}{hint}")


def function_of(value: object, what: str) -> Convert | None:
    """Return a function of the reference's arrays by name, or None. Raises `ModelError` for anything else."""
    if value is None or callable(value):
        return value
    raise ModelError(f"{what}= is a {type(value).__name__}, not a function of the reference's arrays by name")


def layers_of(value: object) -> LayerNames | None:
    """Return names of layers in pairs, or None. Raises `ModelError` for anything else."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ModelError(
            f"layers= is a {type(value).__name__}: it takes a dict from the candidate's names to the "
            'reference\'s, {"block{i}/norm": "layers.{i}.ln"}'
        )
    for side in (side for pair in value.items() for side in pair):
        names = (side,) if isinstance(side, str) else side
        if not isinstance(names, tuple) or not names or not all(isinstance(name, str) for name in names):
            raise ModelError(f"layers=: {side!r} is no name of a layer, nor a tuple of names")
        for index in (index for name in names for index in INDEX.findall(name)):
            if not index.isidentifier():
                raise ModelError(f"layers=: {{{index}}} in {side!r} is no index: write {{i}}")
    return value


def pair_of(value: object, what: str) -> tuple[object, object] | None:
    """Return a pair (candidate's, reference's), or None. Raises `ModelError` for anything else."""
    if value is None:
        return None
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return value[0], value[1]
    raise ModelError(f"{what}= takes a pair: (candidate's, reference's)")


def dtypes_of(value: object) -> tuple[str, ...]:
    """Return the names of dtypes, each once. Raises `ModelError` for anything else."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (tuple, list)) or not names or any(name not in NAMES for name in names):
        raise ModelError(f"dtypes={value!r} is not a tuple of names out of {', '.join(NAMES)}")
    return tuple(dict.fromkeys(names))


def at_least(value: object, least: int, what: str) -> int:
    """Return an integer of at least ``least``. Raises `ModelError` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ModelError(f"{what}={value!r} is not a whole number of at least {least}")
    return int(value)
