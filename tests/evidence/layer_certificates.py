"""Certificates of layers: correct ports stay below 1, and which planted mistakes are proven.

``python -m tests.evidence.layer_certificates``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field

import samestep
from samestep.agreement.arithmetic.program import Refused
from samestep.models.asked import ask
from samestep.models.certificate import Certificate
from samestep.models.comparison import compare_once
from samestep.models.layer_certificates import certify_layers
from samestep.models.opening import open_subject
from samestep.models.options import Options, contract_of, function_of, layers_of
from samestep.models.prepare import prepare
from samestep.models.result import Result
from samestep.models.subject import ModelError
from tests.evidence.ports.catalogue import fault_named, faults, port_named, ports
from tests.evidence.ports.command import parser
from tests.evidence.ports.port import Case
from tests.evidence.ports.processes import spread_out
from tests.evidence.ports.tables import write_table
from tests.made.places import CHECKOUT

FILE = CHECKOUT / "results/models/layer-certificates.md"
#: No limit is asked here, so as few replicas as there may be.
FEW = 8


@dataclass
class Tally:
    """The certificates of one port or fault over all seeds."""

    layers: int = 0
    without: Counter[str] = field(default_factory=Counter)
    largest: Certificate | None = None
    over: list[str] = field(default_factory=list)
    reason: str = ""

    def add(self, certificates: list[Certificate]) -> None:
        """Count the certificates of one seed."""
        for one in certificates:
            self.layers += not one.without
            self.without.update([one.without.split(" at ")[0]] if one.without else [])
            if one.share > 1:
                self.over.append(f"{one.tensor} {one.share:.2g}")
            if self.largest is None or one.share > self.largest.share:
                self.largest = one


def certificates_of(case: Case, seed: int) -> list[Certificate]:
    """Return the certificates of all layers of a correct port, where `samestep.compare` makes none."""
    given = case.options
    options = Options(
        function_of(given.get("convert"), "convert"),
        function_of(given.get("convert_state"), "convert_state"),
        layers_of(given.get("layers")),
        contract=contract_of(given.get("contract"))[0],
        replicas=FEW,
        seed=seed,
    )
    sides = prepare(
        open_subject(case.candidate, "candidate"), open_subject(case.reference, "reference"), options
    )
    asked = ask(case.inputs, given.get("loss"), given.get("targets"), seed)
    return certify_layers(compare_once(sides, asked, options, lambda *_: None), (), options)


def examine_port(name: str, seeds: int) -> Tally:
    """Return the tally of the port of that name: what a process of its own is asked."""
    port, tally = port_named(name), Tally()
    for seed in range(seeds):
        try:
            tally.add(certificates_of(port.make(seed), seed))
        except (Refused, ModelError) as error:
            tally.reason = str(error).split(" at ")[0]
    return tally


def examine_fault(name: str, seeds: int) -> tuple[int, Certificate | None, str]:
    """Return on how many seeds a fault is proven, the largest proof, and why there is none."""
    fault = fault_named(name)
    proven, largest, reason = 0, None, ""
    for seed in range(seeds):
        case = fault.make(seed)
        options = {**case.options, "replicas": FEW, "variants": False}
        result = samestep.compare(case.candidate, case.reference, case.inputs, seed=seed, **options)
        proofs = [one for one in result.certificates if one.proven]
        proven += bool(proofs)
        largest = max([*proofs, *([largest] if largest else [])], key=lambda x: x.share, default=None)
        if not proofs:
            reason = _why(result)
    return proven, largest, reason


def _why(result: Result) -> str:
    """Return why nothing is proven."""
    if result.verdict == "agree":
        return "agrees on these inputs"
    asides = [line for line in result.coverage.asides if line.startswith("no layer has a certificate: ")]
    if asides:
        return asides[0].split(": ", 1)[1].split(" at ")[0]
    if not result.certificates:
        return "no layer is shown by both sides"
    most = max(result.certificates, key=lambda x: x.share)
    return f"within: at most {most.share:.2g} ({most.tensor})"


def main() -> None:
    asked = parser(__doc__, seeds=1)
    asked.add_argument("--every", type=int, default=4, help="look at every Nth mistake")
    options = asked.parse_args()
    rows = [*_ports(options), *_faults(options)]
    if not options.only:
        correct = [row for row in rows if row["what"] == "correct"]
        planted = [row for row in rows if row["what"] == "mistake"]
        shown = [row for row in correct if row["layers"]]
        proven = [row for row in planted if row["proven"]]
        intro = (
            "Each layer by itself, forced to the candidate's own inputs, beside the most that float32 can be off "
            f"by there; seeds: {options.seeds}. {len(shown)} correct ports show layers, with the largest share of "
            f"their bounds (1 is the bound). Of {len(planted)} planted mistakes (one in {options.every} of the "
            f"catalogue) {len(proven)} are proven."
        )
        write_table(FILE, "Certificates of layers", intro, rows)


def _ports(options: argparse.Namespace) -> list[dict[str, object]]:
    chosen, rows = ports(options.only), []
    tasks = [(port.name, options.seeds) for port in chosen]
    for port, tally in zip(chosen, spread_out(examine_port, tasks, options.processes), strict=True):
        largest = f"{tally.largest.share:.3g} ({tally.largest.tensor})" if tally.largest else ""
        missing = ", ".join(f"{name} ({count})" for name, count in tally.without.items())
        over = "; ".join(dict.fromkeys(tally.over))
        remarks = (tally.reason, missing and f"no bound: {missing}", over and f"beyond: {over}")
        rows.append({
            "what": "correct", "name": port.name, "layers": tally.layers, "largest share": largest,
            "proven": "", "remarks": "; ".join(filter(None, remarks)),
        })  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def _faults(options: argparse.Namespace) -> list[dict[str, object]]:
    chosen, rows = faults(options.only)[:: options.every], []
    tasks = [(fault.name, options.seeds) for fault in chosen]
    found = spread_out(examine_fault, tasks, options.processes)
    for fault, (proven, largest, reason) in zip(chosen, found, strict=True):
        share = f"{largest.share:.3g} ({largest.tensor})" if largest else ""
        rows.append({
            "what": "mistake", "name": fault.name, "layers": "", "largest share": share,
            "proven": f"{proven} of {options.seeds}" if proven else "", "remarks": reason,
        })  # fmt: skip
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    main()
