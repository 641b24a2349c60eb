"""The verdict on a cell, and the exceptions that lead to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from samestep.agreement.findings import Precision, TensorStatistics

if TYPE_CHECKING:
    import numpy as np

AGREE, SUSPECT, DISAGREE = "agree", "suspect", "disagree"
#: Of a user's model: the right function in weaker arithmetic than declared. And no answer, with the reason:
#: there was nothing to judge by.
WEAKER, ABSTAINS = "weaker", "abstains"
INVALID, UNAVAILABLE, CRASHED = "invalid", "unavailable", "crashed"
TIMEOUT, OUT_OF_MEMORY = "timeout", "out_of_memory"

#: Verdicts on a wrong answer. The others, but for ``agree``, mean that there is none.
WRONG = (SUSPECT, DISAGREE, INVALID)


@dataclass(frozen=True)
class Divergence:
    """The first place where a cell diverges from the reference.

    ``step`` counts forced steps from 0; ``index`` is the element, None where no single one is at fault;
    ``test`` names the check that failed. ``got`` and ``expected`` are in the tensor's own units. So are
    ``error`` and ``limit``, but for the tests ``elements`` and ``norm`` they are in sigma, and for ``scale``
    they are ratios.
    """

    step: int
    task: str
    tensor: str
    index: tuple[int, ...] | None
    got: float | None
    expected: float | None
    error: float | None
    limit: float | None
    test: str

    def __str__(self) -> str:
        where = f"{self.tensor}{list(self.index) if self.index else ''}"
        place = f"{self.task}, step {self.step}: {where}"
        if self.got is None or self.expected is None:
            return f"{place}: {self.test}"
        if self.test == "norm":
            return f"{place} as a whole is {self.error:.3g} sigma off (limit {self.limit:.3g}; norm)"
        if self.test == "scale":
            return f"{place} is 1{self.error:+.3g} times what is expected (limit {self.limit:.3g}; scale)"
        if self.test == "elements":
            far = f"{self.error:.3g} sigma off, limit {self.limit:.3g}; elements"
            return f"{place} is {self.got:.9g}, expected {self.expected:.9g} ({far})"
        text = f"{place} is {self.got:.9g}, expected {self.expected:.9g}"
        return f"{text} (off by {self.error:.3g}, limit {self.limit:.3g}; {self.test})"


@dataclass(frozen=True)
class Diagnosis:
    """The likely mistake: its ``kind`` in a word, and a ``text`` for a person."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Verdict:
    """A cell's verdict with its reason.

    ``diagnosis`` says what the mistake looks like, where that is known; ``tensors`` holds the statistics of
    each tensor where it came nearest to its limits; ``precision`` is the arithmetic that was identified;
    ``notes`` are findings that change no verdict; ``departs`` are the declared departures from probes, each
    with its reason; ``repeats`` says whether the same call gave the same bits twice.
    """

    verdict: str
    reason: str | None = None
    first_divergence: Divergence | None = None
    diagnosis: Diagnosis | None = None
    tensors: Mapping[str, TensorStatistics] = field(default_factory=dict)
    precision: Precision | None = None
    notes: Sequence[str] = ()
    departs: Mapping[str, str] = field(default_factory=dict)
    repeats: bool | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the verdict as plain data for JSON."""
        return asdict(self)


class Disagreement(Exception):
    """Raised by a check that found a divergence.

    ``got`` and ``expected`` are the whole tensors, of one shape and in their own units; ``expectation`` is
    the `samestep.agreement.reference.expectation.Expectation` that they were compared with. Each is None
    where it is not known.
    """

    def __init__(
        self,
        divergence: Divergence,
        reason: str | None = None,
        got: np.ndarray | None = None,
        expected: np.ndarray | None = None,
        expectation: object = None,
    ) -> None:
        super().__init__(reason or str(divergence))
        self.divergence = divergence
        self.got = got
        self.expected = expected
        self.expectation = expectation


class Suspicion(Disagreement):
    """Raised where a statistical limit is breached and the certificate is not: to be re-checked."""


class Invalid(Exception):
    """Raised where an implementation breaks the protocol: names, shapes, dtypes, device, not finite."""


class Refuted(Exception):
    """Raised where the reference itself is wrong, so that nothing can be judged by it."""
