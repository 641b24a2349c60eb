"""A sample of the ports agrees, and of the planted mistakes is caught; `tests.evidence` has all of them."""

from __future__ import annotations

import pytest

import samestep
from tests.evidence.ports.port import Case, Fault, Port

pytest.importorskip("torch").set_num_threads(1)
pytest.importorskip("jax")

from tests.evidence.ports.catalogue import faults, ports  # noqa: E402

#: What takes over five seconds, by a part of its name: compilers, long sums, and networks of many layers.
LONG = ("torch.compile", "ResNet", "300,000", "equinox: conv")
#: One in this many is looked at here, in the order of the catalogue; all of them, over many seeds, by
#: `tests.evidence.correct_ports` and `tests.evidence.planted_ports`.
EVERY = 12
#: As few replicas as may be, and the inputs as they are: it is the verdict that is looked at.
FEW = {"replicas": 8, "variants": False}


def parameters(cases: list[Port] | list[Fault]) -> list[object]:
    """A sample of the cases, as parameters of a test."""
    short = [one for one in cases if not any(part in one.name for part in LONG)]
    return [pytest.param(one, id=one.name) for one in short[::EVERY]]


def compared(case: Case):
    return samestep.compare(case.candidate, case.reference, case.inputs, **{**FEW, **case.options})


@pytest.mark.parametrize("port", parameters(ports()))
def test_a_correct_port_agrees(port: Port):
    result = compared(port.make(0))
    assert result.verdict in ("agree", "weaker" if port.weaker else "agree"), str(result)


@pytest.mark.parametrize("fault", parameters(faults()))
def test_a_planted_mistake_is_caught(fault: Fault):
    result = compared(fault.make(0))
    assert fault.unseen or result.verdict in fault.verdicts, str(result)
