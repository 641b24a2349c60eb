"""The smallest fault in a port that each question sees by itself. ``python -m tests.evidence.smallest_faults``.

A weight, the outputs, a parameter's gradient, an eps or a rate is multiplied by 1 + d, and d is found by
bisection: first its power of ten, then to a sixteenth of one. Beside it what fixed tolerances see, on outputs and
gradients (of an optimiser: on the new parameters).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from samestep.models.arithmetic_check import check_arithmetic
from samestep.models.asked import ask
from samestep.models.comparison import compare_once
from samestep.models.expected import ReferencePrograms, measure_expected
from samestep.models.forced_steps import before, run_candidate_steps, to_reference
from samestep.models.function_check import FunctionCheck
from samestep.models.gates import flipped, without
from samestep.models.judging import Comparison
from samestep.models.opening import open_subject
from samestep.models.optimizer_check import UpdateLinks
from samestep.models.options import Options, pair_of
from samestep.models.prepare import prepare
from samestep.models.subject import Subject
from samestep.models.tensors import Role, Tensors
from tests.evidence.faulty_nets import NETS, Net
from tests.evidence.ports.port import Case
from tests.evidence.ports.tables import write_table
from tests.evidence.results import machine, write_csv
from tests.evidence.usual_checks import CHECKS
from tests.made.places import CHECKOUT

OUT = CHECKOUT / "results/models"
#: Powers of ten between which a fault is looked for, and how often the last one is halved.
LOWEST, HIGHEST, HALVINGS = -15, 0, 4
USUAL = ("np.allclose", "torch.testing.assert_close")
#: Steps of an optimiser.
STEPS = 3
QUESTIONS = ("same function", "arithmetic", *USUAL)
ROLES = (Role.OUTPUT, Role.LOSS, Role.GRADIENT, Role.INPUT_GRADIENT)
SAID = {
    "weight": "one weight", "output": "the output", "gradient": "one parameter's gradient", "eps": "eps",
    "rate": "the rate",
}  # fmt: skip

Seen = Callable[[float], bool]


def quiet(done: int, total: int) -> None:
    """Report no progress."""


class Questions:
    """What sees a fault of one kind in one network at one seed: a function of its size for each question.

    Expectations and pairs are those of the correct port: a fault of that size changes neither.
    """

    def __init__(self, net: Net, fault: str, seed: int) -> None:
        self.net, self.fault, self.seed = net, fault, seed
        case = self._case(0.0)
        sides = prepare(self._candidate(case), open_subject(case.reference, "reference"), Options())
        self.asked = ask(case.inputs, None, None, seed)
        self.plain: Comparison = compare_once(sides, self.asked, Options(seed=seed), quiet)
        reference = sides.reference.run(self.asked.reference)
        self.usual = self.plain.links.apply(reference)
        self._tensors = cache(self._run)

    def seen_by(self, question: str) -> Seen:
        """Return whether the question sees a fault of the size that it is given."""
        if question in USUAL:
            return lambda d: differ(question, self._tensors(d), self.usual)
        return self._another_function if question == "same function" else self._beyond_limits

    def _case(self, d: float) -> Case:
        return self.net.make(self.seed, **{self.fault: d})

    def _candidate(self, case: Case) -> Subject:
        return open_subject(case.candidate, "candidate")

    def _run(self, d: float) -> Tensors:
        tensors = self._candidate(self._case(d)).run(self.asked.candidate)
        return self.plain.links.comparable(tensors)

    def _beyond_limits(self, d: float) -> bool:
        got, expected, plain = self._tensors(d), self.plain.expected, self.plain
        found = check_arithmetic(got, expected, {})
        gates = [key for key, one in found.items() if one.statistics and one.statistics.first is not None]
        if gates:
            masks = flipped(plain.programs.plain, plain.links.apply, expected, got, gates, self.seed)
            found = check_arithmetic(without(got, expected, masks), expected, {})
        return not all(one.within for one in found.values())

    def _another_function(self, d: float) -> bool:
        program = self._candidate(self._case(d)).program(self.asked.candidate)
        exact = program.exact()
        plain = self.plain
        check = FunctionCheck(program, plain.programs.plain, plain.expected, plain.links, self.seed)
        return not all(one.same for one in check.run(exact).values())


class StepQuestions:
    """What sees a fault of an optimiser: both sides step from the values that the correct one stepped from."""

    def __init__(self, net: Net, fault: str, seed: int) -> None:
        self.net, self.fault, self.seed = net, fault, seed
        plain = Questions(net, fault, seed).plain
        self.candidate, self.links = plain.sides.candidate, plain.links
        _, theirs = self._pair(0.0)
        correct = run_candidate_steps(self.candidate, theirs, plain.asked.candidate, STEPS)
        self.given, start = correct.steps, before(correct.steps)
        reference, given = plain.sides.reference, to_reference(self.given, self.links)
        self.program = reference.steps_program(theirs, given)
        self.updates = UpdateLinks(self.links, self.given)
        programs = ReferencePrograms(self.program, self.program, self.program.exact())
        replicas = Options().replicas
        self.expected = measure_expected(programs, self.updates.apply, start, replicas, seed, quiet)
        self.usual = single(self.updates.apply(reference.run_steps(theirs, given)))
        self.start, self._after = start, cache(self._run)

    def seen_by(self, question: str) -> Seen:
        """Return whether the question sees a fault of the size that it is given."""
        if question in USUAL:
            return lambda d: differ(question, self._after(d), self.usual, (Role.UPDATE,))
        return self._another_function if question == "same function" else self._beyond_limits

    def _pair(self, d: float) -> tuple[object, object]:
        pair = pair_of(self.net.make(self.seed, **{self.fault: d}).options["optimizer"], "optimizer")
        assert pair is not None  # an optimizer is given
        return pair

    def _run(self, d: float) -> Tensors:
        return single(self.updates.comparable(self.candidate.run_steps(self._pair(d)[0], self.given)))

    def _beyond_limits(self, d: float) -> bool:
        found = check_arithmetic(self._after(d), self.expected, self.start)
        return not all(one.within for one in found.values())

    def _another_function(self, d: float) -> bool:
        own = self.candidate.steps_program(self._pair(d)[0], self.given)
        exact = own.exact()
        check = FunctionCheck(own, self.program, self.expected, self.updates, self.seed)
        return not all(one.same for one in check.run(exact).values())


def single(tensors: Tensors) -> Tensors:
    """Return new parameters as float32 holds them."""
    return {key: value.astype(np.float32) for key, value in tensors.items()}


def differ(check: str, got: Tensors, expected: Tensors, roles: tuple[Role, ...] = ROLES) -> bool:
    """Return whether a tolerance finds a difference in a tensor of these roles."""
    keys = [key for key in expected if key in got and key.role in roles and got[key].dtype.kind == "f"]
    return not all(CHECKS[check](got[key], expected[key]) for key in keys)


def smallest(seen: Seen) -> float:
    """Return the smallest size that is seen, to a sixteenth of a power of ten.

    Infinity if 1 is not seen, 0 where a correct port is called wrong.
    """
    low, high = float(LOWEST), float(HIGHEST)
    if seen(0.0):
        return 0.0
    if not seen(10.0**high):
        return float("inf")
    while high - low > 2.0**-HALVINGS:
        middle = (low + high) // 2 if high - low > 1 else (low + high) / 2
        low, high = (low, middle) if seen(10.0**middle) else (middle, high)
    return float(10.0**high)


def measured(net: Net, fault: str, seeds: int) -> dict[str, str]:
    """Return the row of one fault in one network, the worst of the seeds."""
    kind = StepQuestions if net.name == "Adam" else Questions
    asked = [kind(net, fault, seed) for seed in range(seeds)]
    sizes = {question: [smallest(one.seen_by(question)) for one in asked] for question in QUESTIONS}
    return {
        "network": net.name,
        "times 1 + d": SAID[fault],
        **{question: in_words(found) for question, found in sizes.items()},
    }


def in_words(sizes: Sequence[float]) -> str:
    """Return the largest of the sizes that were found, or why there is none."""
    if not all(sizes):
        return "fails correct ports"
    return f"{max(sizes):.1e}" if max(sizes) <= 1 else "over 1"


def write(rows: Sequence[Mapping[str, str]], seeds: int) -> None:
    """Write the table, and its values."""
    intro = (
        f"The smallest d that each of the two questions sees by itself, and that fixed tolerances see on outputs "
        f"and gradients (of Adam: on the new parameters), the worst of {seeds} seeds. On {machine()}. Made by "
        "`python -m tests.evidence.smallest_faults`. A weight is held in float32, whose next number is up to "
        "1.2e-7 away. A tolerance that fails correct ports finds a difference without any fault, in a seed at least."
    )
    write_table(OUT / "smallest-faults.md", "The smallest fault that is seen", intro, rows)
    write_csv(OUT, "smallest-faults", list(rows[0]), [tuple(row.values()) for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="a part of the networks' names; nothing is written then")
    options = parser.parse_args()
    rows = []
    for net in NETS:
        for fault in net.faults if options.only in net.name else ():
            rows.append(measured(net, fault, options.seeds))
            print(rows[-1], flush=True)
    if not options.only:
        write(rows, options.seeds)


if __name__ == "__main__":
    main()
