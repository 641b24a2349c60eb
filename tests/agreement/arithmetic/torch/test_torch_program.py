"""What a PyTorch program reports, and how its runs follow from nudges, seeds, levels and numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from samestep.agreement.arithmetic.program import Level, Literal, Nudge, Refused  # noqa: E402
from samestep.agreement.arithmetic.torch.instructions import Error  # noqa: E402
from samestep.agreement.arithmetic.torch.number import Number  # noqa: E402
from samestep.agreement.arithmetic.torch.poison import audit, fingerprints, same_bits  # noqa: E402
from samestep.agreement.arithmetic.torch.program import TorchProgram  # noqa: E402
from samestep.agreement.limits import rounding_deviation, unit_roundoff  # noqa: E402

U = unit_roundoff("float32")
X = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
WEIGHT = torch.randn(8, 4, generator=torch.Generator().manual_seed(1))


def program(function, *, held=(X, WEIGHT), **settings):
    return TorchProgram(lambda: {"y": function()}, lambda: None, held=lambda: held, **settings)


def kinds(made):
    return {finding.kind for finding in made.findings}


# -- exact runs and nudges -----------------------------------------------------------------------------


def test_an_exact_run_is_float64s():
    assert same_bits(program(lambda: X @ WEIGHT).exact()["y"], (X.double() @ WEIGHT.double()).numpy())


def test_a_number_in_a_tensor_is_read_as_its_decimal():
    assert same_bits(program(lambda: X * torch.tensor(0.1)).exact()["y"], (X.double() * 0.1).numpy())


def test_a_number_that_float32_has_rounded_is_a_literal_and_moves_at_all_its_sites():
    number = 0.3712345678912
    made = program(lambda: X * torch.tensor(number) + torch.tensor(number))
    exact = made.exact()["y"]
    assert made.literals == (Literal(number, U),)
    moved = made.exact(Nudge(literal=made.literals[0]))["y"]
    assert same_bits(moved, X.double().numpy() * (number * (1 + U)) + number * (1 + U))
    assert same_bits(made.exact()["y"], exact)


def test_a_plain_number_is_a_double_and_no_literal():
    made = program(lambda: X / math.sqrt(8))
    assert same_bits(made.exact()["y"], X.double().numpy() / math.sqrt(8))
    assert not made.literals


def test_captured_constants_are_found_and_moved_by_a_rounding():
    table = torch.sin(torch.arange(8.0))
    made = program(lambda: X * table)
    exact = made.exact()["y"]
    (name,) = made.constants
    moved = made.exact(Nudge(constants=3))["y"] / X.double().numpy()
    steps = np.abs(moved[0] / table.double().numpy() - 1)[1:]
    assert np.round(steps / U).tolist() == [1] * 7
    assert same_bits(made.exact(Nudge(constants=3, shared=frozenset({name})))["y"], exact)


def test_what_the_other_side_holds_and_whole_numbers_are_no_constants():
    mask = (X > 0).float()
    assert not program(lambda: X @ WEIGHT).constants
    made = program(lambda: X * mask)
    made.exact()
    assert not made.constants


def test_a_nudge_that_changes_the_path_is_followed():
    def function():
        t = torch.tensor(0.3712345678912)
        return X * 2 if t.item() > 0.3712345678912 else X.exp()

    made = program(function)
    made.exact()
    assert same_bits(made.exact(Nudge(literal=made.literals[0]))["y"], (X.double() * 2).numpy())


# -- replicas ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 3])
def test_a_seed_is_a_replica_whoever_makes_it(first):
    made, other = program(lambda: (X @ WEIGHT).exp()), program(lambda: (X @ WEIGHT).exp())
    seeds = [first, 1, 2, first + 5]
    replicas = {seed: made.replica(seed)["y"] for seed in seeds}
    for seed in reversed(seeds):  # other replicas are by the code here, others by the tape
        assert same_bits(other.replica(seed)["y"], replicas[seed])
    assert not same_bits(replicas[first], replicas[1])
    assert replicas[first].dtype == np.float64


@pytest.mark.parametrize("shape", [(300, 500), (1200, 1000)])
def test_large_errors_are_the_same_block_by_block(shape):
    weight = torch.randn(*shape, generator=torch.Generator().manual_seed(2)) * 0.05
    x = torch.randn(3, shape[0], generator=torch.Generator().manual_seed(3))

    def function():
        w = weight.clone().requires_grad_()
        (x @ w).square().sum().backward()
        return w.grad * w.detach() + weight.tril()  # where a zero is added, nothing rounds

    made = program(function)
    made.replica(0)
    made.replica(1)
    tape = made._tapes[Level.OWN]
    assert tape.is_trusted, tape.reason
    kinds = {(call.width is None, call.relative) for call in tape.calls if isinstance(call, Error)}
    assert kinds == {(True, True), (False, True), (False, False)}
    assert same_bits(made.replica(7)["y"], made._noisy(7, Level.OWN)["y"])


def test_levels_differ_where_a_dtype_is_narrower():
    def narrow():
        return (X.bfloat16() * WEIGHT.bfloat16().T[:, None]).float()

    made = program(narrow)
    exact = made.exact()["y"]
    own, double = (np.std(made.replica(0, level)["y"] / exact - 1) for level in (Level.OWN, Level.DOUBLE))
    assert not made.uniform
    assert program(lambda: X * 2).exact() is not None
    assert double < 2 * rounding_deviation(U) < rounding_deviation(unit_roundoff("float16")) < own


def test_float32_is_uniform():
    made = program(lambda: (X @ WEIGHT).softmax(-1))
    made.exact()
    assert made.uniform


def test_the_longest_sum_is_followed():
    made = TorchProgram(
        lambda: {"product": X @ WEIGHT, "copy": X + 1, "sum": (X @ WEIGHT).sum()}, lambda: None
    )
    made.exact()
    assert made.terms == {"product": 8, "copy": 1, "sum": 24}


def test_number_rounds_at_each_use():
    beta = 0.999

    def correction():
        return torch.ones(1) * (1 - Number(beta) ** 3)

    made = program(correction)
    assert made.exact()["y"] == 1 - beta**3
    relative = np.std([made.replica(seed)["y"] / (1 - beta**3) - 1 for seed in range(40)])
    assert relative > rounding_deviation(U) / (1 - beta**3) / 2  # it cancels: far above one rounding
    assert Number(0.5) + 1 == 1.5
    assert type(2 - Number(0.5)) is Number


# -- findings ------------------------------------------------------------------------------------------


def test_random_numbers_are_found_and_the_same_in_every_run():
    made = program(lambda: nn.functional.dropout(X, 0.5))
    exact = made.exact()["y"]
    assert kinds(made) == {"random"}
    assert all(same_bits(made.replica(seed)["y"] == 0, exact == 0) for seed in range(4))


@pytest.mark.parametrize("seeds", [2, 8])
def test_an_integer_on_an_edge_is_the_exact_runs_and_found(seeds):
    edge = torch.arange(1.0, 200.0)
    made = program(lambda: ((edge * 0.1) * 10).to(torch.int64))
    exact = made.exact()["y"]
    assert all(same_bits(made.replica(seed)["y"], exact) for seed in range(seeds))
    assert kinds(made) == {"decides"}


def test_a_path_that_rounding_decides_is_the_exact_runs_and_found():
    near = (X.double() @ WEIGHT.double()).sum().item()

    def function():
        return X.exp() if (X @ WEIGHT).sum().item() > near else X * 2

    made = program(function)
    made.exact()
    for seed in range(8):
        made.replica(seed)
    assert "decides" in kinds(made)


def test_a_number_that_is_read_is_found_where_rounding_moves_it():
    made = program(lambda: X * (X @ WEIGHT).mean().item())
    replicas = [made.replica(seed)["y"] for seed in range(3)]
    assert kinds(made) == {"lossy"}
    assert not same_bits(replicas[1], replicas[2])
    counts = program(lambda: X * torch.tensor(3.0).add_(1).item())
    counts.replica(0)
    assert not counts.findings


def test_a_number_that_moves_only_later_sends_the_replica_back_to_the_code():
    edge = torch.tensor([25.0])

    def function():
        return torch.ones(2) * torch.round(edge * 0.1).item()

    probe, made = program(function), program(function)
    exact = probe.exact()["y"]
    values = {seed: probe._noisy(seed, Level.OWN)["y"] for seed in range(30)}
    same = [seed for seed, value in values.items() if same_bits(value, exact)]
    others = [seed for seed in values if seed not in same]
    assert [len(same) > 1, len(others) > 1] == [True, True]
    replicas = {seed: made.replica(seed)["y"] for seed in [*same[:2], *others, *same]}
    assert made._tapes[Level.OWN].is_trusted
    assert all(same_bits(replicas[seed], values[seed]) for seed in replicas)


# -- refusals, and what is left behind -----------------------------------------------------------------


class Leaves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1.0

    @staticmethod
    def backward(ctx, g):
        return torch.from_numpy(np.asarray(g) * 2)


def leaving():
    x = X.clone().requires_grad_()
    Leaves.apply(x).exp().sum().backward()
    return x.grad


def test_the_poison_finds_what_no_mode_sees_unless_it_was_audited():
    with pytest.raises(Refused, match="y differ"):
        program(leaving).exact()
    assert program(leaving, audited=True).exact()


def test_the_audit_names_what_differs():
    exact = {"a": np.ones(2), "b": np.array([1.0, np.nan])}
    audit(fingerprints(exact), {"a": np.ones(2), "b": np.array([1.0, np.nan])})
    with pytest.raises(Refused, match="b differ"):
        audit(fingerprints(exact), {"a": np.ones(2), "b": np.array([1.0, 2.0])})


def test_a_change_that_is_not_put_back_is_refused():
    x = X.clone()
    with pytest.raises(Refused, match="not put back"):
        program(lambda: x.mul_(2) + 0).exact()


def test_the_users_own_error_is_its_own():
    with pytest.raises(ZeroDivisionError):
        program(lambda: X * (1 / 0)).exact()


def test_code_that_never_does_the_same_is_refused():
    calls = iter(range(100))
    with pytest.raises(Refused, match="same twice"):
        program(lambda: X * 2 if next(calls) % 2 else X.exp()).exact()


def test_nothing_is_left_behind():
    fast, fused = torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled
    torch.manual_seed(5)
    before = torch.get_rng_state()
    x = X.clone()
    made = program(lambda: nn.functional.dropout(x, 0.5) @ WEIGHT)
    made.exact()
    assert torch.equal(before, torch.get_rng_state())
    assert (torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled) == (fast, fused)
    assert not any(hasattr(tensor.untyped_storage(), "shadow") for tensor in (x, WEIGHT))
