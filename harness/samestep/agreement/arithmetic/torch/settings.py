"""How PyTorch is set while the engine runs a model: no kernel that hides an operation, one random stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


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
        torch.compiler.set_stance("force_eager"),
    ):
        torch.manual_seed(seed)
        torch.backends.mha.set_fastpath_enabled(False)
        torch._C._set_mkldnn_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            torch._C._set_mkldnn_enabled(fused)
