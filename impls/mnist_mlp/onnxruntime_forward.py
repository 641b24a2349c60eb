"""onnxruntime: a module is exported to a graph once, and from then on a session runs it without PyTorch."""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import onnxruntime
import torch
from onnx import ModelProto, numpy_helper

from . import torch_nn

READ_AFTER = "torch_nn"


class State(NamedTuple):
    graph: ModelProto
    session: onnxruntime.InferenceSession


@cache
def exported(widths, dtype):
    """The graph of a module of these widths: the exporter takes a second, and the arrays are put in later."""
    params = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        params |= {
            f"w{i}": torch.zeros(fan_in, fan_out, dtype=dtype),
            f"b{i}": torch.zeros(fan_out, dtype=dtype),
        }
    return torch.onnx.export(
        torch_nn.adopt(params),
        (torch.zeros(2, widths[0], dtype=dtype),),
        input_names=["x"],
        output_names=["logits"],
        dynamic_shapes=[{0: torch.export.Dim("rows")}],  # without it the graph takes two rows only
        optimize=False,  # it would leave out a bias of zeros
        verbose=False,
    ).model_proto


def numbered(graph):
    """The graph's arrays by the names of the params; the module's are 0.weight, 0.bias, 2.weight, ..."""
    arrays = {array.name: array for array in graph.graph.initializer}
    layers = sorted({int(name.split(".")[0]) for name in arrays})
    return {
        f"{kind[0]}{i}": arrays[f"{layer}.{kind}"]
        for i, layer in enumerate(layers, start=1)
        for kind in ("weight", "bias")
    }


def adopt(params):
    widths = (len(params["w1"]), *(len(params[f"b{i}"]) for i in range(1, len(params) // 2 + 1)))
    graph = ModelProto()
    graph.CopyFrom(exported(widths, torch.from_numpy(params["w1"]).dtype))
    for name, array in numbered(graph).items():
        array.CopyFrom(numpy_helper.from_array(params[name].T, array.name))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()  # and not one for each core
    options.add_session_config_entry("session.force_spinning_stop", "1")  # threads sleep between calls
    return State(graph, onnxruntime.InferenceSession(graph.SerializeToString(), options))


def export(state):
    return {name: numpy_helper.to_array(array).T for name, array in numbered(state.graph).items()}


def forward(state, x):
    (logits,) = state.session.run(["logits"], {"x": x})
    return logits
