"""Mistakes planted in ports: each must be caught, placed and named. ``python -m tests.evidence.planted_ports``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch

import samestep
from samestep.models.fitting.fit import Fitted
from samestep.models.result import Result
from tests.evidence.ports.catalogue import fault_named, faults
from tests.evidence.ports.command import parser
from tests.evidence.ports.port import Fault
from tests.evidence.ports.processes import spread_out
from tests.evidence.ports.tables import write_table
from tests.evidence.ports.usual import USUAL, usual_checks
from tests.made.places import CHECKOUT

FILE = CHECKOUT / "results/models/planted-ports.md"


@dataclass(frozen=True)
class Outcome:
    """What one seed of a fault gave."""

    caught: bool
    placed: bool
    named: bool | None
    wrongly_certain: bool
    text: str
    usual: dict[str, bool]


def examine(fault: Fault, seed: int) -> Outcome:
    """Return whether the fault was caught at this seed, at the right place, with the right cause."""
    case = fault.make(seed)
    result = samestep.compare(case.candidate, case.reference, case.inputs, seed=seed, **case.options)
    caught = result.verdict in fault.verdicts
    right = fault.cause is not None and result.diagnosis is not None and fault.cause in str(result.diagnosis)
    given = result.diagnosis is not None
    certain = isinstance(result.diagnosis, Fitted) and result.diagnosis.certain
    return Outcome(
        caught,
        caught and placed(result, fault.places),
        right if given else None,
        certain and not right,
        str(result).splitlines()[0] + (f" | {result.diagnosis}" if given else ""),
        usual_checks(case, seed),
    )


def placed(result: Result, places: Iterable[str]) -> bool:
    """Return whether the first difference is at one of the places, by either side's name."""
    if result.first is None:
        return False
    references = {t.reference for t in result.judged if str(t.key) == result.first.tensor}
    names = {result.first.layer or "", result.first.tensor, *references}
    return any(fnmatch(name, place) for name in names for place in places)


def examine_by_name(name: str, seeds: int) -> list[Outcome]:
    """Return the outcomes of the fault of that name: what a process of its own is asked."""
    fault = fault_named(name)
    return [examine(fault, seed) for seed in range(seeds)]


def main() -> None:
    options = parser(__doc__, seeds=5).parse_args()
    rows: list[dict[str, object]] = []
    seen: list[Outcome] = []
    certain = 0
    chosen = faults(options.only)
    found = spread_out(examine_by_name, [(fault.name, options.seeds) for fault in chosen], options.processes)
    for fault, outcomes in zip(chosen, found, strict=True):
        certain += sum(outcome.wrongly_certain for outcome in outcomes)
        seen += [] if fault.unseen else outcomes
        rows.append(row_of(fault, outcomes))
        right = all(o.placed for o in outcomes) and all(o.named is not False for o in outcomes)
        print(rows[-1], "" if right else f"  {outcomes[0].text}", sep="\n", flush=True)
        given = [outcome.named for outcome in seen if outcome.named is not None]
        intro = (
            f"{len(rows)} of {len(chosen)} mistakes in ports, seeds: {options.seeds}. Caught: "
            f"{_of([o.caught for o in seen])}; at the right place: {_of([o.placed for o in seen])}; the right cause, "
            f"where one is given: {_of(given)}; a wrong cause with certainty: {certain}. The columns after that say "
            "how often the usual checks on outputs and gradients notice the same."
        )
        if not options.only:  # as it goes: it takes hours
            write_table(FILE, "Mistakes planted in ports", intro, rows)
    print(intro)


def row_of(fault: Fault, outcomes: list[Outcome]) -> dict[str, object]:
    """Return the line of the table for one fault."""
    named = [outcome.named for outcome in outcomes if outcome.named is not None]
    return {
        "fault": fault.name, "caught": _of([o.caught for o in outcomes]), "placed": _of([o.placed for o in outcomes]),
        "named": _of(named) if named else "no cause given",
        **{name: _of([o.usual[name] for o in outcomes]) for name in USUAL},
        "not seen because": fault.unseen or "",
    }  # fmt: skip


def _of(answers: list[bool] | list[bool | None]) -> str:
    return f"{sum(map(bool, answers))}/{len(answers)}"


if __name__ == "__main__":
    main()
