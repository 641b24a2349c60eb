"""onnxruntime: a graph as it really runs, and the same graph with further values as outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
from onnxruntime import InferenceSession

from samestep.models.onnx.graph import Graph
from samestep.models.subject import ModelError, first_line

#: Errors alone: onnxruntime warns of initializers that a graph does not use.
ERRORS_ONLY = 3


def session_of(model: bytes, providers: Sequence[str]) -> InferenceSession:
    """Return a session on a serialised model. Raises `ModelError` where onnxruntime refuses it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    try:
        return InferenceSession(model, options, providers=list(providers))
    except Exception as error:  # its own exceptions have no common class
        raise ModelError(f"onnxruntime refuses the model: {first_line(error)}") from error


@dataclass
class Runner:
    """Runs a graph: ``own`` is the user's session, or one that is made when it is first needed.

    Values on the way come from a second session. What it hands out cannot be fused, so outputs are always
    those of the first.
    """

    graph: Graph
    own: InferenceSession | None = None
    providers: Sequence[str] = ("CPUExecutionProvider",)
    _shown: dict[tuple[str, ...], InferenceSession] = field(default_factory=dict, repr=False)

    def outputs(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Return the outputs in order. Raises whatever onnxruntime does."""
        if self.own is None:
            self.own = session_of(self.graph.proto.SerializeToString(), self.providers)
        return [np.asarray(x) for x in self.own.run(list(self.graph.outputs), feeds)]

    def values(self, names: Sequence[str], feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return these values by name; what is no array of numbers is left out."""
        wanted = tuple(dict.fromkeys(names))
        if not wanted:
            return {}
        if wanted not in self._shown:
            model = self.graph.showing(wanted).SerializeToString()
            self._shown = {wanted: session_of(model, self.providers)}
        found = zip(wanted, self._shown[wanted].run(list(wanted), feeds), strict=True)
        return {name: x for name, x in found if isinstance(x, np.ndarray) and x.dtype.kind in "biuf"}
