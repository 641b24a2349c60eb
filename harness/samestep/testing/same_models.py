"""Whether a test made the same models again: digests of their parameters, and versions."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping

from samestep import __version__
from samestep.models.kept_spreads import digest_of
from samestep.models.opening import open_subject
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey
from samestep.testing.bundle import Bundle
from samestep.testing.needs import DISTRIBUTIONS


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


def versions() -> dict[str, str]:
    """Return the versions of Python, of samestep, and of the frameworks that are imported."""
    imported = {name: sys.modules[name] for name in ("numpy", *DISTRIBUTIONS) if name in sys.modules}
    own = {"python": platform.python_version(), "samestep": __version__}
    return {**own, **{name: str(getattr(module, "__version__", "?")) for name, module in imported.items()}}


def changes_since(bundle: Bundle, digests: Mapping[str, str]) -> Iterator[str]:
    """Yield what is otherwise than when the bundle was written, a line each."""
    now = versions()
    for name, then in bundle.versions.items():
        if name in now and now[name] != then:
            yield f"{name} is {now[name]}, and was {then}"
    other = [side for side, digest in bundle.parameters.items() if digests.get(side) != digest]
    if other:
        yield (
            f"the parameters of the {' and of the '.join(other)} are others than they were, so "
            "this is another comparison: seed what makes them"
        )
