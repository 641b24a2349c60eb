"""A PyTorch computation as a program: its untouched code, run in float64, exactly or with rounding noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch

from samestep.agreement.arithmetic.program import Contract, Finding, Level, Literal, Nudge, Refused
from samestep.agreement.arithmetic.torch.constants import Constants
from samestep.agreement.arithmetic.torch.dispatch import Interpreter
from samestep.agreement.arithmetic.torch.enclosing import enclosed_results
from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode
from samestep.agreement.arithmetic.torch.number import rounding
from samestep.agreement.arithmetic.torch.path import OtherPath, Path
from samestep.agreement.arithmetic.torch.poison import audit, fingerprints
from samestep.agreement.arithmetic.torch.replay import Tape
from samestep.agreement.arithmetic.torch.results import Results, taking
from samestep.agreement.arithmetic.torch.settings import compiled_frames, settings
from samestep.agreement.arithmetic.torch.shared_values import SharedValues
from samestep.agreement.arithmetic.torch.signature import signature
from samestep.agreement.arithmetic.torch.tape import Recorder
from samestep.agreement.arithmetic.worst_case import Enclosed
from samestep.agreement.released import release_after

Array = np.ndarray


#: What is made once and kept, such as TorchScript's plans, is there in a later run.
_ATTEMPTS = 3


class TorchProgram:
    """Implements `samestep.agreement.arithmetic.program.Program` for PyTorch.

    ``run()`` executes the user's code, forward, backward, optimiser or whatever, in its own dtypes, and
    returns named tensors. ``reset()`` is called before every run and puts back all that a run changes. The
    generator of random numbers stands at ``seed`` in every run. ``held()`` gives the tensors of which the
    other side has the same bits: parameters, inputs, state; what else the code holds is a constant.

    At the first use the code is run exactly, and once more with the poison
    (`samestep.agreement.arithmetic.torch.poison`), which costs about half of that again; ``audited`` says
    that it was done for this code before. Without a ``contract`` these runs compute no sizes of errors, and
    the first replica costs another run.
    """

    def __init__(
        self,
        run: Callable[[], Mapping[Any, torch.Tensor]],
        reset: Callable[[], None],
        contract: Contract | None = Contract.FLOAT32,
        *,
        held: Callable[[], Iterable[torch.Tensor]] = tuple,
        audited: bool = False,
        seed: int = 0,
    ) -> None:
        self._run, self._reset, self._held = run, reset, held
        self._contract, self._audited, self._seed = contract or Contract.FLOAT32, audited, seed
        self._notes_at_first, self._has_notes = contract is not None, False
        self._noise, self._path, self._given = NoiseMode(self._contract), Path(), SharedValues()
        self._exact: dict[Any, Array] | None = None
        self._constants: dict[str, Array] = {}
        self._terms: dict[Any, int] = {}
        self._tapes: dict[Level, Tape] = {}

    # -- runs ------------------------------------------------------------------------------------------

    def exact(self, nudge: Nudge | None = None) -> Mapping[Any, Array]:
        """Return all tensors in float64, without rounding. Raises `Refused`."""
        first = self._first()
        if nudge is None:
            return dict(first)
        self._noise.exact_again()
        self._noise.nudge = nudge
        try:
            return self._interpret(self._noise, self._path, nudge=nudge)
        except OtherPath:  # the number decides: the nudged run has a path of its own
            alone = NoiseMode(self._contract)
            alone.exact_again()
            alone.nudge = nudge
            return self._interpret(alone, Path(), nudge=nudge, first=True)
        finally:
            self._noise.nudge = None

    def replica(self, seed: int, level: Level = Level.OWN) -> Mapping[Any, Array]:
        """Return all tensors in float64, each operation with its random rounding error. Raises `Refused`.

        The first replica of a level is written on a tape. The tape must give it again, and the second one
        before it was seen, bit for bit; then it makes the others, and else the code makes all.
        """
        self._noted()
        tape = self._tapes.get(level)
        if tape is not None and tape.is_trusted:
            replayed = tape.arrays(seed, self._path)
            return self._noisy(seed, level) if replayed is None else replayed
        recorder = Recorder() if tape is None else None
        result = self._noisy(seed, level, recorder)
        if recorder is not None:
            tape = self._tapes[level] = Tape(recorder)
            recorder.forget()
        assert tape is not None
        tape.check(seed, result, self._path)
        return result

    def hand_on(self, seed: int, level: Level, give: Callable[[Any, Array], None]) -> None:
        """Give every tensor of a replica once, as soon as it is complete. Raises `Refused`."""
        tape = self._tapes.get(level)
        if tape is not None and tape.is_trusted and tape.is_certain:
            tape.hand_on(seed, self._path, give)
            return
        for key, array in self.replica(seed, level).items():
            give(key, array)

    def enclosed(self, rounded: frozenset[str]) -> Mapping[Any, Enclosed]:
        """Return all tensors with their bounds; see `samestep.agreement.arithmetic.worst_case.Enclosing`."""
        self._first()
        if not self.uniform:
            raise Refused("it computes in another dtype than float32")
        recorder = Recorder()
        self._noise.exact_again()
        self._interpret(self._noise, self._path, tape=recorder)
        return enclosed_results(recorder, rounded | self._constants.keys(), self._contract)

    def _noisy(self, seed: int, level: Level, recorder: Recorder | None = None) -> dict[Any, Array]:
        reason = ""
        release_after(self._first())
        for frozen in (False, True):  # a number that was read may have led astray: then it is kept, too
            self._noise.replay(seed, level)
            try:
                result = self._interpret(
                    self._noise, self._path, frozen=frozen, tape=None if frozen else recorder
                )
                self._noise.finish()
            except OtherPath as error:
                reason = f"the code takes another path where values are rounded: {error}"
                if recorder is not None:
                    recorder.give_up(reason)
                self._path.find("decides", reason)
            else:
                release_after(result)
                return result
        raise Refused(reason)

    def _noted(self) -> None:
        """Note the size of every rounding, in an exact run."""
        self._first()
        if not self._has_notes:
            self._record()
            try:
                self._interpret(self._noise, self._path)
            except OtherPath as error:
                raise Refused(f"the code does not do the same twice: {error}") from error

    def _record(self) -> None:
        self._noise.record()
        self._has_notes = True

    def _first(self) -> dict[Any, Array]:
        if self._exact is None:
            reason = ""
            for _ in range(_ATTEMPTS):
                try:
                    self._exact = self._audited_run()
                    break
                except OtherPath as error:
                    reason = str(error)
            else:
                raise Refused(f"the code does not do the same twice: {reason}")
        return self._exact

    def _audited_run(self) -> dict[Any, Array]:
        """The last of two runs notes the sizes of errors: the first one has the bytes of all handles."""
        self._path = Path()
        self._begin(last=self._audited)
        exact = self._interpret(self._noise, self._path, first=True)
        release_after(exact)
        if not self._audited:
            seen = fingerprints(exact)
            exact.clear()  # the poisoned run gives the same bits
            self._begin(last=True)
            exact = self._interpret(self._noise, self._path, poison=True)
            audit(seen, exact)
            release_after(exact)
        return exact

    def _begin(self, last: bool) -> None:
        if last and self._notes_at_first:
            self._record()
        else:
            self._noise.exact_again()

    def _interpret(
        self, noise: NoiseMode, path: Path, *, nudge: Nudge | None = None, **how: Any
    ) -> dict[Any, Array]:
        with settings(self._seed):
            self._reset()
            first = bool(how.get("first"))
            constants = Constants(self._held, nudge, finds=first or nudge is not None)
            interpreter = Interpreter(noise, path, constants=constants, given=self._given, **how)
            results = Results(interpreter)
            tokens = rounding.set(noise.literal), taking.set(results.take)
            noise.log = interpreter.tape
            try:
                tensors = self._executed(interpreter)
                found = {key: results.of(tensor) for key, tensor in tensors.items()}
                if interpreter.tape is not None:
                    interpreter.tape.results = {key: x.slot for key, x in found.items() if x.slot is not None}
                if self._exact is None and first:
                    self._constants = constants.found
                    self._terms = {key: one.terms for key, one in found.items()}
                return {key: one.array for key, one in found.items()}
            finally:
                rounding.reset(tokens[0])
                taking.reset(tokens[1])
                noise.log = None
                interpreter.shadows.forget()

    def _executed(self, interpreter: Interpreter) -> Mapping[Any, torch.Tensor]:
        tape, frames = interpreter.tape, compiled_frames()
        try:
            with tape or nullcontext(), interpreter:
                tensors = self._run()
        except Exception as error:
            if interpreter.failure is not None and not isinstance(error, Refused | OtherPath):
                raise interpreter.failure from error  # PyTorch has made another error of it
            if compiled_frames() > frames:
                raise OtherPath("it was the first to compile") from error
            raise
        if compiled_frames() > frames:
            raise OtherPath("it was the first to compile")
        return tensors

    # -- what was seen ---------------------------------------------------------------------------------

    @property
    def literals(self) -> Sequence[Literal]:
        """The distinct literals that are not held exactly, after the first exact run."""
        return self._noise.literals

    @property
    def constants(self) -> Mapping[str, Array]:
        """Captured constant arrays by the digest of their values, after the first exact run."""
        return self._constants

    @property
    def findings(self) -> Sequence[Finding]:
        """What was seen in the runs so far."""
        return tuple({**self._path.findings, **self._noise.findings}.values())

    @property
    def terms(self) -> Mapping[Any, int]:
        """The length of the longest sum on the way to each tensor; 1 where it is not followed."""
        return self._terms

    @property
    def uniform(self) -> bool:
        """Whether all rounding is float32's, so that both levels are the same noise."""
        return self._path.uniform

    @property
    def signature(self) -> str:
        """The digest of the operations, of their dtypes and errors, and of all arrays."""
        self._noted()
        self._reset()
        others = [self._contract.value, str(self._seed), *self._constants]
        return signature(self._path.steps, self._noise.roundings.notes, self._held(), others)
