"""The library transformers, in the parts of it that the evidence uses."""

from __future__ import annotations

from typing import Any


def library() -> Any:
    """Return transformers, which takes no part in images: torchvision need not fit the torch that is there."""
    import transformers
    from transformers.utils import import_utils

    import_utils._torchvision_available = False
    return transformers
