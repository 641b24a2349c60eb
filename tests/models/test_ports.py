"""One seed of each port agrees, and one seed of each planted mistake is caught; `tests.evidence` has more."""

from __future__ import annotations

import pytest

import samestep
from tests.evidence.ports.port import Case, Fault, Port

pytest.importorskip("torch").set_num_threads(1)
pytest.importorskip("jax")

from tests.evidence.ports.catalogue import faults, ports  # noqa: E402

#: What takes over five seconds, by a part of its name: compilers, long sums, and networks of many layers.
SLOW = ("torch.compile", "ResNet", "300,000", "equinox: conv")
#: One in this many of the others is looked at always, in the order of the catalogue; the rest counts as slow.
EVERY = 12
#: As few replicas as may be, and the inputs as they are: it is the verdict that is looked at.
FEW = {"replicas": 8, "variants": False}


def parameters(cases: list[Port] | list[Fault]) -> list[object]:
    """The cases as parameters of a test, the slow ones marked."""
    return [
        pytest.param(one, id=one.name, marks=[pytest.mark.slow] * (bool(i % EVERY) or _takes_long(one)))
        for i, one in enumerate(cases)
    ]


def _takes_long(one: Port | Fault) -> bool:
    return any(part in one.name for part in SLOW)


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
