"""Whether a test made the same models again: digests of their parameters, and versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from samestep.models.kept_spreads import digest_of
from samestep.models.opening import open_subject
from samestep.models.recorded.made_with import Made
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey
from samestep.testing.bundle import Bundle


def parameter_digests(candidate: object, reference: object) -> dict[str, str]:
    """Return a digest of each side's parameters, by side; one without parameters is left out."""
    found = {}
    for side, model in (("candidate", candidate), ("reference", reference)):
        try:
            parameters = open_subject(model, side).parameters()
        except ModelError:  # it was compared: it is one that shows its parameters in another way
            continue
        if parameters:
            keyed = {TensorKey(Role.GRADIENT, name): value for name, value in parameters.items()}
            found[side] = digest_of(keyed)
    return found


def changes_since(bundle: Bundle, digests: Mapping[str, str]) -> Iterator[str]:
    """Yield what is otherwise than when the bundle was written, a line each."""
    then, now = _versions(bundle.made), _versions(Made.here(bundle.made.device))
    for name, version in then.items():
        if now.get(name, version) != version:
            yield f"{name} is {now[name]}, and was {version}"
    other = [side for side, digest in bundle.parameters.items() if digests.get(side) != digest]
    if other:
        yield (
            f"the parameters of the {' and of the '.join(other)} are others than they were, so "
            "this is another comparison: seed what makes them"
        )


def _versions(made: Made) -> dict[str, str]:
    own = {"samestep": made.samestep, "Python": made.python, "the system": made.system}
    return {**own, **made.libraries}
