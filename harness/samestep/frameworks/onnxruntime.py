"""onnxruntime: sessions that run exported graphs on NumPy arrays; a call has finished when it returns."""

from __future__ import annotations

import onnxruntime
import torch

from samestep.frameworks import Description, Settings, Shared, Unavailable, numpy

DISTRIBUTIONS = ("onnxruntime",)
REQUIRES = ("torch", "onnx", "onnxscript")  # what exports the graphs


class Adapter(numpy.Adapter):
    """onnxruntime has no setting of a process's threads, only a session's: rungs take over PyTorch's."""

    def __init__(self, settings: Settings) -> None:
        if settings.device != "cpu":
            raise Unavailable("the onnxruntime rungs are written for its CPU provider")
        super().__init__(settings)
        torch.set_num_threads(settings.threads)

    def shared(self) -> Shared:
        return Shared(
            {"PyTorch's threads": torch.get_num_threads()}, (onnxruntime, onnxruntime.InferenceSession, torch)
        )

    def describe(self) -> Description:
        about = super().describe()
        about["versions"] |= {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__}
        about["threads"] = torch.get_num_threads()
        return about
