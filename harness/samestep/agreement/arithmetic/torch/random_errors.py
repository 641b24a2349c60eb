"""Random errors of the sizes that an exact run noted: what a replica adds to the result of each operation.

Errors follow the standard model: elementwise operations err by a factor 1 + d (a sum would turn -inf into
NaN), sums and products by an absolute error, whose size the exact run computes. Both runs make the same
operations in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from samestep.agreement.arithmetic.program import AMPLIFICATION, Contract, Finding, Level, Literal, Nudge
from samestep.agreement.arithmetic.torch.error_blocks import add_error, has_rows
from samestep.agreement.arithmetic.torch.literals import Literals, is_held, is_written
from samestep.agreement.arithmetic.torch.noise_pool import Draw, NoisePool, dense_stride
from samestep.agreement.arithmetic.torch.places import place
from samestep.agreement.arithmetic.torch.repetition import is_held_exactly, repeats, spread_by_value
from samestep.agreement.arithmetic.torch.roundings import Rounding, Roundings, kept_width
from samestep.agreement.limits import TF32_ROUNDOFF, rounding_deviation, unit_roundoff

FLOAT32, FLOAT64 = unit_roundoff("float32"), unit_roundoff("float64")
#: What the operands of products are rounded to.
_HALF = torch.finfo(torch.bfloat16).eps / 2, torch.finfo(torch.float16).eps / 2
_OPERANDS = {Contract.TF32: TF32_ROUNDOFF, Contract.BFLOAT16: _HALF[0], Contract.FLOAT16: _HALF[1]}
_RESULTS = {Contract.BFLOAT16: _HALF[0], Contract.FLOAT16: _HALF[1]}


class DrawLog(Protocol):
    """Who is told of each draw of a replica, in order: a tape."""

    def drew(self, draw: Draw, offset: int, numbers: Tensor) -> None:
        """A block of random numbers was drawn."""

    def erred(self, draw: Draw, out: Tensor, width: Tensor | None, scale: float, relative: bool) -> None:
        """A block of random numbers was drawn, and `add_error` has changed ``out`` by them."""

    def drew_number(self, exact: float, scale: float, offset: int, noisy: float) -> None:
        """A literal became ``noisy`` = ``exact`` (1 + ``scale`` x the number at ``offset``)."""


class RandomErrors:
    """Notes how results round in the exact run, and adds errors of those sizes in a replica.

    ``roundoff`` is the unit roundoff of the dtype that the next result has in the real program, and
    ``source_roundoff`` that of its operands: the caller sets both before each operation. ``operation`` is the
    one at work. ``nudge`` moves one literal. ``terms`` is the length of the longest sum so far.
    """

    def __init__(self, contract: Contract, log: DrawLog | None) -> None:
        self.contract, self.log = contract, log
        self.roundoff = self.source_roundoff = FLOAT32
        self.nudge: Nudge | None = None
        self.terms = 1
        self.findings: dict[tuple[str, str], Finding] = {}
        self._literals = Literals()
        self.record()

    # -- runs --------------------------------------------------------------------------------------------

    def record(self) -> None:
        """Begin the exact run: what was noted before is forgotten."""
        self.is_recording, self.is_noisy = True, False
        self.roundings, self.operation = Roundings(), ""
        self.level, self.pool = Level.OWN, NoisePool(0)

    def exact_again(self) -> None:
        """Begin another exact run, which notes nothing and may be nudged."""
        self.is_recording, self.is_noisy = False, False
        self.roundings.at = 0

    def replay(self, seed: int, level: Level = Level.OWN) -> None:
        """Begin a replica: the same seed draws the same errors."""
        self.is_recording, self.is_noisy = False, True
        self.roundings.at = 0
        self.level, self.pool = level, NoisePool(seed)

    @property
    def literals(self) -> tuple[Literal, ...]:
        """The distinct literals that no dtype holds and that have no short decimal."""
        return tuple(self._literals.seen)

    def finish(self) -> None:
        """Raise `OtherPath` if a replica ended early."""
        if self.is_noisy:
            self.roundings.finish()

    # -- errors ------------------------------------------------------------------------------------------

    @property
    def deviation(self) -> float:
        """s = u / sqrt 3, of what the real program computes with: float32 where its results are narrower."""
        return rounding_deviation(FLOAT32) * self.amplified

    @property
    def amplified(self) -> float:
        """How many times larger than they are errors are made, to flip gates."""
        return AMPLIFICATION if self.level is Level.AMPLIFIED else 1.0

    @property
    def is_own(self) -> bool:
        """Whether each dtype rounds as it does, and not all as float64."""
        return self.level is not Level.DOUBLE

    @property
    def accumulation_scale(self) -> float:
        """How much coarser than float32 the result's dtype is: a scatter-add keeps its sums in it."""
        return max(1.0, self.roundoff / FLOAT32) if self.is_own else 1.0

    @property
    def is_silent(self) -> bool:
        """Whether the next result is float64 in a replica of the real program's own rounding."""
        return self.level is Level.OWN and self.roundoff <= FLOAT64

    def draw(self, like: Tensor, scale: float = 0.0) -> Tensor:
        """Return random numbers of mean 0 and variance 1 in the form of ``like``; or 1 + scale x them."""
        draw = self._form(like, scale)
        offset = self.pool.next_offset()
        with torch._C._DisableTorchDispatch():
            numbers = self.pool.block(draw, offset)
            if self.log is not None:
                numbers = numbers.clone(memory_format=torch.preserve_format)
        if self.log is not None:
            self.log.drew(draw, offset, numbers)
        return numbers

    @staticmethod
    def _form(like: Tensor, scale: float) -> Draw:
        return Draw(tuple(like.shape), dense_stride(like), scale, str(like.device))

    def relative(self, out: Tensor, units: float, share: Callable[[], Tensor | None] | None = None) -> Tensor:
        """Round ``out`` in place by ``units`` roundings of its own size, and return it.

        ``share()`` is |smaller addend| / |sum| for a sum of two: one of them is a number of the dtype, so the
        error is never larger than the other.
        """
        if not out.numel() or not (out.is_floating_point() or out.is_complex()) or not units:
            return out
        if self.is_recording:
            self.roundings.write(self._note(out, share))
        elif self.is_noisy:
            self._round(out, units * self.deviation, self.roundings.follow(self.operation, out.shape))
        return out

    def _note(self, out: Tensor, share: Callable[[], Tensor | None] | None) -> Rounding:
        if out.is_complex():
            return Rounding(self.operation, out.shape)
        if is_held_exactly(out, FLOAT32):
            return Rounding(self.operation, out.shape, exact=True)
        kept = None
        ratio = None if share is None else share()
        if ratio is not None:
            if not ratio.any():
                return Rounding(self.operation, out.shape, exact=True)  # as where zeros are added
            few = int((ratio < FLOAT32).sum()) * 2**16 <= ratio.numel()  # 2^-23 of them are so by chance
            kept = None if few else kept_width(ratio.div_(FLOAT32).clamp_(max=1), out)
        return Rounding(self.operation, out.shape, repeated=repeats(out), share=kept)

    def _round(self, out: Tensor, scale: float, note: Rounding) -> None:
        if note.exact or self.is_silent:
            return
        if out.is_complex():
            parts = torch.view_as_real(out)
            size = out.abs().unsqueeze(-1)
            parts.add_(self.draw(parts) * size, alpha=2 * scale)
        elif note.repeated:
            errors = spread_by_value(out, self.draw)
            out.mul_(1 + scale * (errors if note.share is None else errors * self._bounded(note.share)))
        else:
            self._err(out, None if note.share is None else self._bounded(note.share), scale, relative=True)

    def _bounded(self, share: Tensor) -> Tensor:
        """The part of a sum's error that an addend's last bits leave, of the float64 that simulates it."""
        return (share * (FLOAT32 / FLOAT64)).clamp_(max=1) if self.level is Level.DOUBLE else share

    def _err(self, out: Tensor, width: Tensor | None, scale: float, relative: bool) -> None:
        """Change ``out`` by ``scale`` x random numbers x ``width``, or x 1, relative to it or not."""
        draw = self._form(out, scale if width is None else 0.0)
        if has_rows(out, width, draw):
            offset = self.pool.next_offset()
            with torch._C._DisableTorchDispatch():
                add_error(self.pool, draw, offset, out, width, scale, relative)
            if self.log is not None:
                self.log.erred(draw, out, width, scale, relative)
            return
        numbers = self.draw(out, draw.scale)
        if width is None:
            out.mul_(numbers)
        elif relative:
            out.mul_(1 + scale * (numbers * width))
        else:
            out.add_(numbers * width, alpha=scale)

    def absolute(
        self,
        out: Tensor,
        deviation: Callable[[], Tensor],
        bias: Callable[[], Tensor | None] = lambda: None,
        scale: float = 1.0,
    ) -> Tensor:
        """Add to ``out`` in place an error of standard deviation ``deviation()``, in units of s; return it.

        ``bias()`` is what a long sum loses one way in float32, in the sum's own units. Both are computed in
        the exact run only. ``scale`` multiplies s.
        """
        if not out.numel() or not (out.is_floating_point() or out.is_complex()):
            return out
        if self.is_recording:
            width = deviation().nan_to_num_(0.0, 0.0, 0.0)
            alike, lost = not out.is_complex() and repeats(out), bias()
            kept = kept_width(width, out) if lost is not None or width.any() else None
            self.roundings.write(Rounding(self.operation, out.shape, False, alike, None, kept, lost))
        elif self.is_noisy:
            note = self.roundings.follow(self.operation, out.shape)
            if not self.is_silent and note.width is not None:
                self._add(out, note.width, note, self.deviation * scale)
        return out

    def _add(self, out: Tensor, width: Tensor, note: Rounding, deviation: float) -> None:
        parts = torch.view_as_real(out) if out.is_complex() else out
        width = width.unsqueeze(-1) if out.is_complex() else width
        if note.bias is not None and self.is_own:
            bias = note.bias * self.amplified
            width, deviation = torch.hypot(width.double() * deviation, bias), 1.0
        if note.repeated:
            parts.add_(spread_by_value(parts, self.draw) * width, alpha=deviation)
        else:
            self._err(parts, width, deviation, relative=False)

    # -- numbers -----------------------------------------------------------------------------------------

    def literal(self, value: float, rounded_to: float | None = None) -> float:
        """Return a number as the next operation uses it: rounded once, unless its dtype holds it.

        ``rounded_to`` is the unit roundoff of the dtype that has rounded it in the code. A plain number is a
        double, which owes nothing that is seen, unless it was rounded before: by float32, which holds it, or
        by the person who wrote it.
        """
        if rounded_to is None and (is_held(value, FLOAT32) or is_written(value)):
            rounded_to = FLOAT32
        number = value
        if rounded_to is not None:
            number = self._literals.read(value, rounded_to, None if self.is_noisy else self.nudge)
        owed = self.is_noisy and self.is_own and not self.is_silent
        if not owed or is_held(number, FLOAT32):
            return number
        offset, scale = self.pool.next_offset(), self.deviation
        noisy = number * (1 + scale * self.pool.number(offset))
        if self.log is not None:
            self.log.drew_number(number, scale, offset, noisy)
        return noisy

    def with_literals(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with each number rounded as a literal."""
        numbers = {k: self.literal(v) if isinstance(v, float) else v for k, v in kwargs.items()}
        return tuple(self.literal(a) if isinstance(a, float) else a for a in args), numbers

    def operand(self, x: Tensor) -> Tensor:
        """Return an operand of a matrix product as the contract rounds it."""
        unit = _OPERANDS.get(self.contract)
        if unit is None or not self._rounds_as_declared(x):
            return x
        return x * self.draw(x, rounding_deviation(unit) * self.amplified)

    def product_result(self, out: Tensor) -> Tensor:
        """Round the result of a matrix product in place as the contract does; return it."""
        unit = _RESULTS.get(self.contract)
        if unit is None or not self._rounds_as_declared(out):
            return out
        return out.mul_(self.draw(out, rounding_deviation(unit) * self.amplified))

    def _rounds_as_declared(self, x: Tensor) -> bool:
        """Whether a contract applies: in float64, and where everything rounds as float64 does, none does."""
        own = self.is_noisy and self.is_own and not self.is_silent
        return own and x.is_floating_point()

    def narrow(self, out: Any) -> None:
        """Round results to their own dtype: of a cast, and what is computed in float32 but narrower."""
        for one in out if isinstance(out, (tuple, list)) else (out,):
            if not isinstance(one, Tensor) or not one.is_floating_point() or not one.numel():
                continue
            if self.is_recording:
                held = is_held_exactly(one, self.roundoff)
                self.roundings.write(Rounding(self.operation, one.shape, exact=held, repeated=repeats(one)))
            elif self.is_noisy:
                note = self.roundings.follow(self.operation, one.shape)
                if self.is_own:
                    self._round(one, rounding_deviation(self.roundoff) * self.amplified, note)

    def integers(self, out: Tensor) -> Tensor:
        """Return the integers that the exact run had here; where they differ is a finding, not noise."""
        if self.is_recording:
            self.roundings.write(Rounding(self.operation, out.shape, integers=out.clone()))
        elif self.is_noisy:
            kept = self.roundings.follow(self.operation, out.shape).integers
            assert kept is not None
            if not torch.equal(kept, out):
                text = f"{self.operation} turns a value that rounding moves into an integer"
                self.findings.setdefault(("decides", place()), Finding("decides", place(), text))
            out = out.copy_(kept)
        return out
