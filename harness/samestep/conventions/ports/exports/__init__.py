"""Exported models: what onnxruntime computes of a graph, and PyTorch did not."""

from __future__ import annotations

from samestep.conventions.ports.pitfall import Pitfall, normal

TITLE = "Exports to ONNX"
NOTE = (
    "Modules are exported by torch.onnx.export and run by onnxruntime; the formula is what PyTorch computes. "
    "What comes through to within rounding: both forms of gelu, bilinear and align_corners resizing, and a "
    "BatchNorm in evaluation that is folded into its convolution."
)

TORCH_EXPORT = "https://docs.pytorch.org/docs/stable/onnx_export.html"

PITFALLS = (
    Pitfall(
        "batch_norm_in_training",
        "A BatchNorm that is exported in training mode",
        (
            "exported model differs", "ONNX output does not match PyTorch",
            "forgot model.eval() before export", "export of a module in training mode, train()",
        ),
        "torch.onnx.export takes a BatchNorm's running statistics, whatever mode the module is in, and folds "
        "it into the convolution before it. Call model.eval() first, and compare in that mode; the older "
        "exporter keeps a BatchNorm that trains.",
        "PyTorch's nn.BatchNorm2d(3) in training",
        normal(x=(4, 3, 5, 5)),
        links={"torch": TORCH_EXPORT},
    ),
    Pitfall(
        "floor_division",
        "Floor division of negative integers, exported",
        (
            "exported model is off by one for negative indices", "integer division rounds to zero in ONNX",
            "relative position buckets differ after the export",
        ),
        "ONNX's Div of integers rounds to zero, // of PyTorch down. The older exporter (dynamo=False) writes "
        "a Div; the one that is the default corrects it.",
        "PyTorch's n // 3",
        lambda random: {"n": random.integers(-9, 9, 16)},
        links={"torch": TORCH_EXPORT},
    ),
)  # fmt: skip
