"""A result in words: the first line is what a test runner shows."""

from __future__ import annotations

from collections import Counter

from samestep.agreement.verdict import ABSTAINS, AGREE, DISAGREE, WEAKER, Diagnosis
from samestep.conventions.ports.pitfall import meant_by
from samestep.models.certificate import said_of_certificates
from samestep.models.conclude import counted
from samestep.models.fitting.fit import Fitted
from samestep.models.fitting.layer_kinds import layer_kind
from samestep.models.judged import JudgedTensor
from samestep.models.result import First, Result
from samestep.models.tensors import Role

#: How many lines of a kind a summary prints; `Result.explain` prints all.
FEW = 4


def summary(result: Result) -> str:
    """Return the verdict in one line of about 100 characters, and what belongs to it below."""
    lines = [headline(result)]
    if result.first:
        lines.append(_values(result.first))
    if result.diagnosis:
        lines += [f"looks like: {result.diagnosis}", *_matching(result.diagnosis, result.first)]
    if result.looks_like:
        lines.append(f"looks like: {result.looks_like}")
    others = [f for f in result.faults if result.first and (f.layer or f.tensor) != _name(result.first)]
    lines += [
        f"wrong {'as well' if one.between or one.inherits else 'by itself as well'}: {one}"
        for one in others[:FEW]
    ]
    if result.verdict in (DISAGREE, WEAKER):
        lines += _around(result)
    missing = result.coverage.lines()
    lines += missing[:FEW] + ([f"and {len(missing) - FEW} more: .explain()"] if len(missing) > FEW else [])
    return "\n  ".join(lines)


def headline(result: Result) -> str:
    """Return the first line: the verdict, where it begins, by how much."""
    if result.verdict == ABSTAINS:
        return f"abstains: {result.reason}"
    first = result.first
    if result.verdict == AGREE or first is None:
        return f"{result.verdict}: {_compared(result)}{_nearest(list(result.judged))}"
    before = "; what comes before it agrees" if first.inputs_agree else ""
    where = f" on {result.on}" if result.on else ""
    if result.verdict == WEAKER:
        allowed = " (declared)" if result.declared else ""
        return f"weaker{allowed}{where}: the same function, but first {first}{before}"
    return f"disagree{where}: first {first}{before}"


def explanation(result: Result) -> str:
    """Return the summary, every tensor that is beyond its limits, the certificates, and the coverage."""
    beyond = [tensor for tensor in result.judged if tensor.state != AGREE]
    lines = [_line(tensor) for tensor in beyond]
    lines += [f"  {line}" for line in said_of_certificates(result.certificates)]
    return "\n".join([summary(result), *lines, str(result.coverage)])


def _matching(diagnosis: Diagnosis, first: First | None) -> list[str]:
    """Where the page of conventions says how such a port is made to match, if the mistake is certain."""
    if first is None or not (isinstance(diagnosis, Fitted) and diagnosis.is_cause):
        return []
    loss_or_update = "loss" if first.tensor == "loss" else "update"
    one = meant_by(layer_kind(first.kind) if first.kind else loss_or_update, diagnosis.kind)
    return [f"how it matches: samestep conventions {one.name}"] if one else []


def _name(first: First) -> str:
    return first.layer or first.tensor


def _values(first: First) -> str:
    got, expected = f"{first.got:.7g}", f"{first.expected:.7g}"
    if first.wrong:
        return f"got {first.wrong}"
    if got == expected:
        got, expected = f"{first.got:.12g}", f"{first.expected:.12g}"
    text = f"got {got}, expected {expected}"
    if first.exact:
        return f"{text} in float64: another function, not rounding"
    return f"{text}; limit {first.limit:.2g}"


def _around(result: Result) -> list[str]:
    """How the layers before and after the first one are; without layers, the tensors."""
    judged = [t for t in result.judged if t.key.role is Role.LAYER] or list(result.judged)
    what = "layers" if judged[0].key.role is Role.LAYER else "tensors"
    states = [tensor.state for tensor in judged]
    start = next((i for i, state in enumerate(states) if state == result.verdict), len(states))
    before = [tensor for tensor in judged[:start] if tensor.state == AGREE]
    after = Counter(states[start + 1 :])
    beyond = after[DISAGREE] + after[WEAKER]
    later = f"after it {beyond} {'is' if beyond == 1 else 'are'} beyond their limits too"
    if len(judged) == 1:
        return []
    if not before:
        return [f"{later} (of {len(judged)} {what})"]
    return [f"before it {len(before)} of {len(judged)} {what} agree{_nearest(before)}; {later}"]


def _nearest(judged: list[JudgedTensor]) -> str:
    if not judged:
        return ""
    nearest = max(judged, key=lambda tensor: tensor.share)
    return f" (nearest to its limit: {nearest.key}, {nearest.share:.2f})"


def _compared(result: Result) -> str:
    return ", ".join(counted(Counter(tensor.key.role for tensor in result.judged)))


def _line(tensor: JudgedTensor) -> str:
    function, arithmetic = tensor.function, tensor.arithmetic
    parts = [f"{tensor.key}: {tensor.state}"]
    if tensor.reference != tensor.key.name:
        parts.append(f"reference {tensor.reference}")
    if arithmetic is not None:
        s = arithmetic.statistics
        parts.append(
            arithmetic.wrong
            or (
                f"worst element {s.elements:.3g} sigma (limit {s.elements_limit:.3g}), norm {s.norm:.3g} "
                f"({s.norm_limit:.3g}), scale {s.scale:.2g} ({s.scale_limit:.2g})"
                if s
                else "integers, equal"
            )
        )
    if function is not None:
        parts.append(f"in float64 {function.error:.3g} off (limit {function.limit:.2g})")
    return "  " + ", ".join(parts)
