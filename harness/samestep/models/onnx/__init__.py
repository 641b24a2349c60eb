"""Exported models: an ONNX file, proto or onnxruntime session as candidate and reference.

onnxruntime runs them. Question A is asked of the graph: every operator as the standard defines it, in
float64. A graph has no backward pass, so that only outputs and layers are compared.
"""

from __future__ import annotations

import os
from pathlib import Path

import onnx
from onnxruntime import InferenceSession

from samestep.models.onnx.graph import Graph
from samestep.models.onnx.scopes import layers_of
from samestep.models.onnx.session import Runner
from samestep.models.onnx.subject import OnnxSubject
from samestep.models.subject import ModelError

__all__ = ["OnnxSubject", "recognise"]


def recognise(model: object) -> OnnxSubject | None:
    """Return the side for a path to an .onnx file, an `onnx.ModelProto`, what `torch.onnx.export` returns, or
    an `onnxruntime.InferenceSession`; None for anything else. Raises `ModelError`.
    """
    if isinstance(model, str | os.PathLike):
        return _of(Graph.load(Path(model)))
    if isinstance(model, InferenceSession):
        return _of_session(model)
    proto = model if isinstance(model, onnx.ModelProto) else getattr(model, "model_proto", None)
    return _of(Graph.of(proto)) if isinstance(proto, onnx.ModelProto) else None


def _of(graph: Graph) -> OnnxSubject:
    return OnnxSubject(graph, Runner(graph), layers_of(graph))


def _of_session(session: InferenceSession) -> OnnxSubject:
    """A session's own graph is read from where the session has it."""
    path, held = (getattr(session, name, None) for name in ("_model_path", "_model_bytes"))
    if held is not None:
        graph = Graph.of(onnx.load_from_string(held))
    elif path is not None:
        graph = Graph.load(Path(path))
    else:
        raise ModelError("the session does not say which model it runs: pass the .onnx file, or the proto")
    return OnnxSubject(graph, Runner(graph, session, session.get_providers()), layers_of(graph))
