"""`tag`: how a plain JAX function says which values are to be compared."""

from __future__ import annotations

from samestep.agreement.arithmetic.jaxpr.tags import tag

__all__ = ["tag"]
