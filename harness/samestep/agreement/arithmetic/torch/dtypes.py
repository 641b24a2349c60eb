"""The dtypes that have shadows, and how they round."""

from __future__ import annotations

import torch

#: The unit roundoff of each dtype that has shadows.
ROUNDOFF = {
    dtype: torch.finfo(dtype).eps / 2
    for dtype in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex128, torch.complex64,
    )
}  # fmt: skip

#: Runs its block without any dispatch mode: what is done to handles is nobody's business.
unseen = torch._C._DisableTorchDispatch
