"""The probes of a workload, and the departures from them that an implementation declares.

``DEPARTS`` of an implementation's module names the probes that it fails, each with a reason, and
``MAY_DEPART`` those that it fails somewhere. A departure in ``DEPARTS`` must be observed, since a footnote
that is no longer true would mislead.
"""

from __future__ import annotations

from collections.abc import Iterator

from samestep.agreement.examination.probe_run import ProbeRun
from samestep.agreement.examination.probes import PROBES
from samestep.agreement.verdict import Invalid


def check_probes(run: ProbeRun) -> Iterator[tuple[str, str]]:
    """Return the declared departures that were observed, each with its reason, one after another.

    Raises what a probe raises that was not declared, and `Invalid` for a declaration that does not hold.
    """
    departures, names = run.candidate.raw.departures(), run.candidate.spec.probes
    must = departures.must
    declared = {**departures.may, **must}
    unknown = [name for name in declared if name not in names]
    if unknown:
        raise Invalid(f"departs from {unknown[0]!r}; the workload's probes are {', '.join(names)}")
    for name in names:
        if name not in declared:
            PROBES[name](run)
        elif _departs(name, run):
            yield name, declared[name]
        elif name in must:
            raise Invalid(f"DEPARTS says of probe {name} {must[name]!r}, but it passes: drop it")


def _departs(name: str, run: ProbeRun) -> bool:
    try:
        PROBES[name](run)
    except Exception:  # whatever it does there, it departs, as declared
        return True
    return False
