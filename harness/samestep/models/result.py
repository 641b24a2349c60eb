"""The result of a comparison: it prints itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from samestep.agreement.verdict import ABSTAINS, AGREE, WEAKER, Diagnosis
from samestep.models.certificate import Certificate
from samestep.models.coverage import Coverage
from samestep.models.judged import JudgedTensor
from samestep.models.tensors import Role

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class First:
    """The first place where the candidate differs from the reference.

    ``layer`` is the layer's name (None where the difference begins in no named layer), ``kind`` what it is;
    ``tensor`` the tensor's name, ``index`` its worst element, ``got`` and ``expected`` the two values there
    and ``error`` and ``limit`` in the tensor's units; ``share`` is how many times its limit it is off.
    ``exact`` says whether these are the values in float64, where the difference is no rounding.
    ``inputs_agree``: everything that was compared before it agrees. ``between`` names two layers where the
    mistake lies between their modules: ``layer``, the second one, is right on what goes into it.
    ``inherits``: layers before it were not compared, and it may be wrong through them.
    """

    layer: str | None
    kind: str | None
    tensor: str
    index: tuple[int, ...]
    got: float
    expected: float
    error: float
    limit: float
    share: float
    exact: bool
    inputs_agree: bool
    wrong: str | None = None
    between: tuple[str, str] | None = None
    inherits: bool = False

    def __str__(self) -> str:
        where = f"between {self.between[0]} and {self.between[1]}: " if self.between else ""
        return f"{where}{self._difference}"

    @property
    def _difference(self) -> str:
        kind = f" ({self.kind})" if self.kind else ""
        at = f" at {list(self.index)}" if self.index else ""
        if self.wrong:
            return f"{self.tensor}{kind}, {self.wrong}{at}"
        return f"{self.tensor}{kind}, {self.error:.2g} off{at}, {_times(self.share)} its limit"


def _times(share: float) -> str:
    if share < 10:
        return f"{share:.2g} times"
    return f"{share:.0f} times" if share < 1e6 else f"{share:.1g} times"


@dataclass(frozen=True)
class LayerResult:
    """A layer's ``state`` (agree, weaker, disagree) and its ``share`` of the limit, by its output.

    ``certificate`` is its share of the most that float32 can be off by in this layer alone, None where
    there is no certificate; ``proven``: it is another computation than the reference's.
    """

    name: str
    kind: str | None
    reference: str
    state: str
    share: float
    certificate: float | None = None
    proven: bool = False


@dataclass(frozen=True, eq=False)
class Result:
    """What `samestep.compare` found.

    ``verdict`` is agree, weaker, disagree or abstains, and ``reason`` why it is not agree. ``judged`` are the
    tensors in the order in which they are computed. ``faults`` are the layers that are wrong by themselves,
    on the candidate's own inputs: two faults at once are two of them. ``diagnosis`` says what the first one
    looks like. ``on`` names the variant of the inputs, or the dtype, that shows it; None for the
    inputs as given in the first dtype.
    ``certificates`` are those of the layers, after a difference only.
    ``declared`` says whether the caller's contract allows weaker arithmetic, and ``strict``
    whether what could not be examined counts as a failure.
    """

    verdict: str
    reason: str | None
    judged: Sequence[JudgedTensor]
    first: First | None = None
    faults: Sequence[First] = ()
    diagnosis: Diagnosis | None = None
    looks_like: str | None = None
    coverage: Coverage = field(default_factory=Coverage)
    kinds: Sequence[tuple[str, str]] = ()
    certificates: Sequence[Certificate] = ()
    on: str | None = None
    declared: bool = False
    strict: bool = False
    msg: str | None = None

    @property
    def passed(self) -> bool:
        """Whether `samestep.assert_agreement` passes: it agrees, or is as weak as declared."""
        if self.verdict == ABSTAINS:
            return not self.strict
        return self.verdict == AGREE or (self.verdict == WEAKER and self.declared)

    @cached_property
    def layers(self) -> list[LayerResult]:
        """The layers in the order of their calls."""
        kinds, certified = dict(self.kinds), {one.place: one for one in self.certificates}
        return [
            LayerResult(
                t.key.name, kinds.get(t.key.name), t.reference, t.state, t.share,
                *_certified(certified.get(t.key.name)),
            )
            for t in self.judged
            if t.key.role is Role.LAYER
        ]  # fmt: skip

    @cached_property
    def tensors(self) -> pd.DataFrame:
        """One row for each tensor: its names, state, shape, and the statistics of both questions."""
        import pandas as pd

        return pd.DataFrame([_row(tensor) for tensor in self.judged])

    def explain(self) -> str:
        """Return everything that is known, for a person: the summary, every tensor that is not within its
        limits, and the coverage."""
        from samestep.models.result_text import explanation

        return explanation(self)

    def to_json(self) -> str:
        """Return the result as a JSON document; numbers that are not finite are strings."""
        document = {
            "verdict": self.verdict,
            "passed": self.passed,
            "reason": self.reason,
            "first": asdict(self.first) if self.first else None,
            "faults": [asdict(fault) for fault in self.faults],
            "diagnosis": str(self.diagnosis) if self.diagnosis else None,
            "looks_like": self.looks_like,
            "layers": [asdict(layer) for layer in self.layers],
            "certificates": [asdict(one) for one in self.certificates],
            "tensors": [_row(tensor) for tensor in self.judged],
            "coverage": asdict(self.coverage),
        }
        return json.dumps(_finite(document), indent=1)

    def __str__(self) -> str:
        from samestep.models.result_text import summary

        return summary(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from samestep.models.result_html import html

        return html(self)


class AgreementError(AssertionError):
    """Raised by `samestep.assert_agreement`; ``result`` is what was found."""

    __module__ = "samestep"  # where users have it from

    def __init__(self, result: Result) -> None:
        super().__init__("\n".join(str(part) for part in (result.msg, result) if part is not None))
        self.result = result


class NotExamined(UserWarning):
    """Warns that a comparison abstains: nothing was found, and nothing is proven."""

    __module__ = "samestep"  # where users have it from


def _certified(one: Certificate | None) -> tuple[float | None, bool]:
    return (None, False) if one is None or one.without else (one.share, one.proven)


def _row(tensor: JudgedTensor) -> dict[str, object]:
    function, arithmetic = tensor.function, tensor.arithmetic
    statistics = arithmetic.statistics if arithmetic else None
    return {
        "tensor": str(tensor.key),
        "role": tensor.key.role.name.lower(),
        "reference": tensor.reference,
        "state": tensor.state,
        "share": tensor.share,
        "shape": list(tensor.shape),
        "sigma": statistics.sigma if statistics else None,
        "elements": statistics.elements if statistics else None,
        "elements_limit": statistics.elements_limit if statistics else None,
        "norm": statistics.norm if statistics else None,
        "norm_limit": statistics.norm_limit if statistics else None,
        "scale": statistics.scale if statistics else None,
        "scale_limit": statistics.scale_limit if statistics else None,
        "index": list(arithmetic.index) if arithmetic else None,
        "got": arithmetic.got if arithmetic else None,
        "expected": arithmetic.expected if arithmetic else None,
        "exact_share": function.share if function else None,
        "exact_error": function.error if function else None,
        "exact_limit": function.limit if function else None,
    }


def _finite(value: object) -> object:
    """The same document with numbers that JSON does not have as strings."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return str(value)
    return value
