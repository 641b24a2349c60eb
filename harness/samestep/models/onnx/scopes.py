"""Which values of a graph are the outputs of the modules that it was exported from.

PyTorch's exporter notes beside each node the modules that it was in; the older one, and those of other
frameworks, write them into the node's name: /encoder/layers.0/linear1/MatMul. The one value of a module that
is used outside of it is its output.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest

from samestep.models.onnx.graph import Graph, Node
from samestep.models.subject import Layer

#: Where PyTorch's exporter notes the modules, and their classes, from the outermost to the operation.
NAMES, CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"

#: The kind of a module that has only a name: a comparison says that of its counterpart.
TAG = "tag"


@dataclass
class Call:
    """One call of the module ``name``: what its nodes make, and what of that is used outside of them."""

    name: str
    kind: str
    made: set[str] = field(default_factory=set)
    used: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """The ``layer`` that ``value`` is the output of; ``call`` is its name with ``#2`` at a second call."""

    value: str
    call: str
    layer: Layer


def layers_of(graph: Graph) -> tuple[Shown, ...]:
    """Return the modules with one output, in the order in which these are computed."""
    calls, order = _calls(graph), {name: i for i, node in enumerate(graph.nodes) for name in node.outputs}
    times: Counter[str] = Counter()
    found = []
    for call in calls:
        times[call.name] += 1
        if len(call.used) == 1:
            (value,) = call.used
            name = call.name if times[call.name] == 1 else f"{call.name}#{times[call.name]}"
            found.append(Shown(value, name, Layer(call.name, call.kind, {})))
    return tuple(sorted(found, key=lambda shown: order[shown.value]))


def _calls(graph: Graph) -> list[Call]:
    """The calls of all modules: the runs of nodes that lie in the same one."""
    calls: list[Call] = []
    running: dict[str, Call] = {}
    for node in graph.nodes:
        scopes = _scopes(node)
        if scopes is None:
            scopes = {name: call.kind for name, call in running.items()}
        running = {name: call for name, call in running.items() if name in scopes}
        for name, kind in scopes.items():
            if name not in running:
                running[name] = Call(name, kind)
                calls.append(running[name])
            running[name].made.update(node.outputs)
    for inputs, outputs in (*((node.inputs, node.outputs) for node in graph.nodes), (graph.outputs, ())):
        for call in calls:
            if call.made.isdisjoint(outputs):
                call.used.update(dict.fromkeys(call.made.intersection(inputs)))
    return calls


def _scopes(node: Node) -> dict[str, str] | None:
    """The modules that a node is in, from the outermost, each with its class; None where it does not say."""
    if NAMES in node.notes:
        names, kinds = (ast.literal_eval(node.notes.get(key, "[]")) for key in (NAMES, CLASSES))
        found = zip_longest(names[:-1], kinds[: len(names) - 1], fillvalue=TAG)
        return {name: kind.rpartition(".")[2] for name, kind in found if name}
    if "/" not in node.name:
        return None
    *path, _ = node.name.strip("/").split("/")
    scopes, whole, last = {}, "", ""
    for part in path:
        own = part.removeprefix(f"{last}.")  # the older exporter repeats a container's name in its parts'
        whole, last = f"{whole}.{own}" if whole else own, part
        scopes[whole] = TAG
    return scopes
