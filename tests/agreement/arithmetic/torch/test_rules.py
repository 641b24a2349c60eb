"""Every rounding rule against real float32: forward, and backward through autograd."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from samestep.agreement.arithmetic.program import Refused  # noqa: E402
from samestep.agreement.arithmetic.torch.decompositions import OWN, decomposition  # noqa: E402
from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode  # noqa: E402
from samestep.agreement.arithmetic.torch.operation_table import (  # noqa: E402
    ABSOLUTE_UNITS,
    DECOMPOSED,
    EXACT,
    HOLD_NUMBERS,
    RULES,
    UNITS,
)
from tests.agreement.arithmetic.torch.contraction_cases import CONTRACTION_CASES  # noqa: E402
from tests.agreement.arithmetic.torch.elementwise_cases import ELEMENTWISE_CASES  # noqa: E402
from tests.agreement.arithmetic.torch.exact_cases import EXACT_CASES, NOT_TRIED  # noqa: E402
from tests.agreement.arithmetic.torch.fourier_cases import FOURIER_CASES  # noqa: E402
from tests.agreement.arithmetic.torch.linear_cases import LINEAR_CASES  # noqa: E402
from tests.agreement.arithmetic.torch.rarer_cases import RARER_CASES  # noqa: E402
from tests.agreement.arithmetic.torch.rule_check import JUDGED, SeenMode, compare, run  # noqa: E402
from tests.agreement.arithmetic.torch.window_cases import WINDOW_CASES  # noqa: E402

CASES = [*ELEMENTWISE_CASES, *CONTRACTION_CASES, *WINDOW_CASES, *FOURIER_CASES, *LINEAR_CASES, *RARER_CASES]
SEEN: set[str] = set()

#: These only move values, forward; their gradients are sums.
MOVES = (
    "max_pool", "adaptive_max", "reflect", "replicate", "circular", "unfold", "tensor_unfold", "amax", "amin",
    "embedding", "embedding_frequent", "embedding_bag_max", "scatter_reduce_am", "index_reduce_am",
)  # fmt: skip
#: The least share of sigma that errors have as a norm: a library's functions are allowed 16 u.
LEAST_SHARE = 1 / 128


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_rule_explains_real_float32_errors(case):
    comparison = compare(case.function, case.draw(), case.backward)
    SEEN.update(comparison.seen)
    assert not comparison.breaches
    if not case.name.startswith(MOVES):
        assert comparison.sigmas["out0"] > 0
    for name, s in comparison.statistics.items():
        if comparison.sigmas[name] and s.size >= JUDGED:
            assert s.norm > LEAST_SHARE, f"{name} is {s.norm:.2g} of sigma: too wide a rule hides faults"
        assert (comparison.errors[name] == 0) == (comparison.sigmas[name] == 0), name


@pytest.mark.parametrize("case", EXACT_CASES, ids=lambda case: case.name)
def test_exact_operations_give_float32_own_bits(case):
    inputs = case.draw()
    mode = SeenMode()
    real = run(case.function, inputs, torch.float32, False)
    for begin in (mode.record, lambda: mode.replay(3)):
        begin()
        with mode:
            wide = run(case.function, inputs, torch.float64, False)
        for name, value in wide.items():
            assert torch.equal(torch.nan_to_num(value), torch.nan_to_num(real[name].to(value.dtype))), name
    SEEN.update(mode.seen)


def test_every_operation_in_the_tables_is_tried():
    if len(SEEN) < len(RULES):
        pytest.skip("the cases above did not run")
    named = {*RULES, *UNITS, *ABSOLUTE_UNITS, *DECOMPOSED, *OWN, *EXACT, *HOLD_NUMBERS}
    known = {name for name in named if hasattr(torch.ops.aten, name) or hasattr(torch.ops.aten, name + "_")}
    assert sorted(known - SEEN - NOT_TRIED) == []


def test_no_operation_stands_in_two_tables():
    tables = [EXACT, set(UNITS), set(ABSOLUTE_UNITS), set(RULES), DECOMPOSED - set(OWN)]
    for i, one in enumerate(tables):
        for other in tables[i + 1 :]:
            assert not one & other


def test_what_is_taken_apart_has_parts():
    for name in DECOMPOSED:
        packet = getattr(torch.ops.aten, name, None)
        for overload in packet.overloads() if packet is not None else ():
            func = getattr(packet, overload)
            if not any(argument.is_out for argument in func._schema.arguments):
                assert decomposition(func, name) is not None, func


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.linalg.eigh(x),
        lambda x: torch.linalg.qr(x),
        lambda x: x.scatter(0, torch.zeros(3, 3, dtype=torch.int64), x, reduce="add"),
        lambda x: torch.bincount(torch.zeros(9, dtype=torch.int64), x.reshape(-1)),
        lambda x: torch.nn.functional.rrelu(x, training=True),
    ],
)
def test_what_has_no_rule_is_refused_by_name_and_line(function):
    with pytest.raises(Refused, match=r"\w.*: .*test_rules\.py:\d+"), NoiseMode():
        function(torch.eye(3, dtype=torch.float64))
