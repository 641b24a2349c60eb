"""How PyTorch is set while the engine runs a model: no kernel that hides an operation, one random stream."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


def _without_compilation() -> AbstractContextManager[object]:
    """Importing the compiler takes more than a second: where nobody has, nothing is compiled yet."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def compiled_frames() -> int:
    """Return how many functions PyTorch has tried to compile in this process."""
    dynamo = sys.modules.get("torch._dynamo")
    return 0 if dynamo is None else int(dynamo.utils.counters["frames"]["total"])


@contextmanager
def settings(seed: int = 0) -> Iterator[None]:
    """Run the block without fused kernels, compilation and attention's fast paths; put everything back.

    mkldnn and cuDNN run a whole recurrent layer in one operation, attention's fast path a whole block.
    """
    fast, fused = torch.backends.mha.get_fastpath_enabled(), torch._C._get_mkldnn_enabled()
    with (
        torch.random.fork_rng(),
        torch.backends.cudnn.flags(enabled=False),
        sdpa_kernel(SDPBackend.MATH),
        _without_compilation(),
    ):
        torch.manual_seed(seed)
        torch.backends.mha.set_fastpath_enabled(False)
        torch._C._set_mkldnn_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            torch._C._set_mkldnn_enabled(fused)
