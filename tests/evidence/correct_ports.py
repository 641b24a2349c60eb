"""Correct ports over many seeds: nothing may be called wrong. ``python -m tests.evidence.correct_ports``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import samestep
from samestep.agreement.verdict import ABSTAINS, AGREE, DISAGREE, WEAKER
from samestep.models.result import Result
from tests.evidence.ports.catalogue import port_named, ports
from tests.evidence.ports.command import parser
from tests.evidence.ports.port import Port
from tests.evidence.ports.processes import spread_out
from tests.evidence.ports.tables import write_table
from tests.made.places import CHECKOUT

FILE = CHECKOUT / "results/models/correct-ports.md"
#: Seeds on which variants of the inputs are tried too: every fourth. They cost as much as the rest.
VARIANTS_EVERY = 4


@dataclass
class Tally:
    """What one port gave over all seeds: verdicts, tensors compared, and the largest shares of the limits."""

    verdicts: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    elements: float = 0.0
    norm: float = 0.0
    scale: float = 0.0
    function: float = 0.0
    reasons: list[str] = field(default_factory=list)

    def add(self, seed: int, result: Result, allowed: str | None) -> None:
        """Count one result."""
        self.verdicts[result.verdict] += 1
        for tensor in result.judged:
            statistics = tensor.arithmetic.statistics if tensor.arithmetic else None
            self.compared += (statistics is not None) + (tensor.function is not None)
            if statistics is not None and result.verdict != WEAKER:
                self.elements = max(self.elements, statistics.elements / statistics.elements_limit)
                self.norm = max(self.norm, statistics.norm / statistics.norm_limit)
                self.scale = max(self.scale, abs(statistics.scale) / statistics.scale_limit)
            if tensor.function is not None:
                self.function = max(self.function, tensor.function.share)
        if result.verdict not in (AGREE, WEAKER if allowed else AGREE):
            self.reasons.append(f"seed {seed}: {str(result).splitlines()[0]}")


def examine(port: Port, seeds: Iterable[int]) -> Tally:
    """Return the tally of one port over these seeds."""
    tally = Tally()
    for seed in seeds:
        case = port.make(seed)
        options = {"variants": seed % VARIANTS_EVERY == 0, **case.options}
        result = samestep.compare(case.candidate, case.reference, case.inputs, seed=seed, **options)
        tally.add(seed, result, port.weaker)
    return tally


def examine_by_name(name: str, seeds: int) -> Tally:
    """Return the tally of the port of that name: what a process of its own is asked."""
    return examine(port_named(name), range(seeds))


def main() -> None:
    options = parser(__doc__, seeds=20).parse_args()
    rows: list[dict[str, object]] = []
    total = Counter[str]()
    chosen = ports(options.only)
    tasks = [(port.name, options.seeds) for port in chosen]
    for port, tally in zip(chosen, spread_out(examine_by_name, tasks, options.processes), strict=True):
        total.update(tally.verdicts)
        rows.append(row_of(port, tally))
        print(rows[-1], *tally.reasons, sep="\n  ", flush=True)
        compared = sum(int(str(row["comparisons"])) for row in rows)
        intro = (
            f"{len(rows)} of {len(chosen)} correct ports, {options.seeds} seeds each: {compared} comparisons of "
            f"tensors, {total[DISAGREE]} results called wrong. On every fourth seed variants of the inputs were tried "
            "too (scaled by 0.02 and 50, shifted by 10). Columns elements, norm, scale and function: the largest share "
            "of each limit (1 is at the limit; without results that are weaker)."
        )
        if not options.only:  # as it goes: it takes hours
            write_table(FILE, "Correct ports", intro, rows)
    print(dict(total))


def row_of(port: Port, tally: Tally) -> dict[str, object]:
    """Return the line of the table for one port."""
    return {
        "port": port.name, "seeds": sum(tally.verdicts.values()),
        **{verdict: tally.verdicts[verdict] for verdict in (AGREE, WEAKER, DISAGREE, ABSTAINS)},
        "comparisons": tally.compared, "elements": f"{tally.elements:.2f}", "norm": f"{tally.norm:.2f}",
        "scale": f"{tally.scale:.2f}", "function": f"{tally.function:.2f}", "weaker is right": port.weaker or "",
    }  # fmt: skip


if __name__ == "__main__":
    main()
