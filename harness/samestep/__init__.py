"""samestep: the same network, the same step, in every framework. Checked, then timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samestep.agreement.arithmetic.jaxpr.tags import tag
    from samestep.api import open_cell
    from samestep.errors import SamestepError
    from samestep.models.calls import assert_agreement, compare, limits
    from samestep.models.model import Model
    from samestep.models.record_calls import record, replay
    from samestep.models.result import AgreementError, NotExamined
    from samestep.models.subject import ModelError
    from samestep.ports.marking import candidate, reference

__version__ = "0.1.0"

#: Where the public names are defined; each is imported when it is asked for.
_PUBLIC = {
    "AgreementError": "samestep.models.result",
    "Model": "samestep.models.model",
    "ModelError": "samestep.models.subject",
    "NotExamined": "samestep.models.result",
    "SamestepError": "samestep.errors",
    "assert_agreement": "samestep.models.calls",
    "candidate": "samestep.ports.marking",
    "compare": "samestep.models.calls",
    "limits": "samestep.models.calls",
    "open_cell": "samestep.api",
    "record": "samestep.models.record_calls",
    "reference": "samestep.ports.marking",
    "replay": "samestep.models.record_calls",
    "tag": "samestep.agreement.arithmetic.jaxpr.tags",
}

__all__ = [
    "AgreementError", "Model", "ModelError", "NotExamined", "SamestepError", "__version__",
    "assert_agreement", "candidate", "compare", "limits", "open_cell", "record", "reference", "replay",
    "tag",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'samestep' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
