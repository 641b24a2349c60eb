"""Float64 values of a model's tensors: each storage has a shadow, which hangs on it and dies with it.

Views and changes in place need no rule: a view of a tensor is the same view of its storage's shadow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.constants import Constants
from samestep.agreement.arithmetic.torch.dtypes import ROUNDOFF, unseen
from samestep.agreement.arithmetic.torch.places import refuse
from samestep.agreement.arithmetic.torch.shared_values import SharedValues

#: Sees a captured tensor of one number, and its values, which it may change.
Number = Callable[[Tensor, Tensor], None]

_PART = {torch.complex64: torch.float32, torch.complex128: torch.float64}


def wide_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype in which a shadow shows values of ``dtype``: integers and bools stay as they are."""
    if dtype not in ROUNDOFF:
        return dtype
    return torch.complex128 if dtype in _PART else torch.float64


def has_values(x: object) -> bool:
    """Return whether ``x`` is a tensor whose values have a shadow: a dense one of floats."""
    return isinstance(x, Tensor) and x.dtype in ROUNDOFF and x.layout is torch.strided


class Shadow:
    """The values of one storage: ``values`` covers it in float64, in the order of its bytes.

    ``first`` is the tensor that was computed for it, which most uses ask for as it is; ``run`` is whose it
    is: what an earlier run left behind counts as no shadow. ``dtype`` is what the bytes are, ``terms`` the
    length of the longest sum on the way to the values. What other runs have as well ``is_shared``.
    """

    __slots__ = ("dtype", "first", "is_shared", "run", "shape", "size", "stride", "terms")

    def __init__(self, first: Tensor, dtype: torch.dtype, size: int, run: object) -> None:
        self.first, self.dtype, self.size, self.run, self.terms = first, dtype, size, run, 1
        self.is_shared = False
        self.shape, self.stride = first.shape, first.stride()

    def view(self, tensor: Tensor) -> Tensor:
        """Return the values of ``tensor``, which lies on this storage, as a float64 view of the same form."""
        shape, stride, offset = tensor.shape, tensor.stride(), tensor.storage_offset()
        complex_ = tensor.dtype in _PART
        if (
            not offset
            and shape == self.shape
            and stride == self.stride
            and complex_ == self.first.is_complex()
        ):
            values = self.first
        elif not complex_:
            first = torch.view_as_real(self.first) if self.first.is_complex() else self.first
            values = first.as_strided(shape, stride, offset)
        else:
            first = torch.view_as_real(self.first) if self.first.is_complex() else self.first
            pairs = torch.view_as_complex(first.as_strided((self.size // 2, 2), (2, 1), 0))
            values = pairs.as_strided(shape, stride, offset)
        if complex_ and tensor.is_conj():
            values = torch.conj(values)
        return torch._neg_view(values) if tensor.is_neg() else values


class Shadows:
    """The shadows of one run; ``constants`` and ``number`` are told of what the code has captured.

    What it is ``given`` has the values of other runs, until this one changes it.
    """

    def __init__(
        self,
        constants: Constants | None = None,
        number: Number | None = None,
        given: SharedValues | None = None,
    ) -> None:
        self._lifted: WeakSet[Any] = WeakSet()
        self._constants, self._number, self._given = constants, number, given
        #: Bytes that NumPy or a buffer shares: what is written there is read without a word.
        self.shared: WeakSet[Any] = WeakSet()

    def find(self, tensor: Tensor) -> Shadow | None:
        """Return the shadow of the tensor's storage, if this run has given it one."""
        shadow = getattr(tensor.untyped_storage(), "shadow", None)
        return shadow if shadow is not None and shadow.run is self else None

    def wide(self, tensor: Tensor) -> Tensor:
        """Return the values of ``tensor`` in float64 (complex128), in its own form; a change goes to them.

        A storage that the run has not met is lifted: its bytes are the exact values.
        """
        shadow = getattr(tensor.untyped_storage(), "shadow", None)
        if shadow is None or shadow.run is not self:
            shadow = self.lift(tensor)
        part = _PART.get(tensor.dtype, tensor.dtype)
        if shadow.dtype is not part:
            refuse("view(dtype)", f"the bytes of a {shadow.dtype} tensor are read as {tensor.dtype}")
        if shadow.size * part.itemsize < tensor.untyped_storage().nbytes():
            shadow = self._grown(tensor, shadow)
        return shadow.view(tensor)

    def lift(self, tensor: Tensor, captured: bool = True) -> Shadow:
        """Return a new shadow with the bytes of the tensor's storage for values.

        ``captured``: the run has not made it.
        """
        storage = tensor.untyped_storage()
        part = _PART.get(tensor.dtype, tensor.dtype)
        size = storage.nbytes() // part.itemsize
        place = self._constants.place(tensor) if captured and self._constants is not None else None
        with unseen():
            bytes_ = torch.empty(0, dtype=part, device=tensor.device).set_(storage, 0, (size,), (1,))
            shared = None if place is None or self._given is None else self._given.of(place, bytes_)
            values = bytes_.to(torch.float64, copy=True) if shared is None else shared
        storage.shadow = shadow = Shadow(values, part, size, self)
        shadow.is_shared = shared is not None
        self._lifted.add(storage)
        if captured and self._constants is not None and place is None:
            if size > 1:
                self._constants.meet(tensor, shadow.first)
            elif self._number is not None:
                self._number(tensor, shadow.first)
        return shadow

    def own(self, tensor: Tensor) -> None:
        """Let the values of a tensor, which are about to be changed, be those of no other run."""
        if not has_values(tensor):
            return
        shadow = self.find(tensor) or self.lift(tensor)
        if shadow.is_shared:
            with unseen():
                shadow.first, shadow.is_shared = shadow.first.clone(), False

    def is_shared(self, tensor: Tensor) -> bool:
        """Return whether the values of a tensor are those of other runs as well."""
        shadow = self.find(tensor)
        return shadow is not None and shadow.is_shared

    def terms(self, tensor: Tensor) -> int:
        """Return the length of the longest sum on the way to a tensor, 1 where it was computed by none."""
        shadow = self.find(tensor)
        return 1 if shadow is None else shadow.terms

    def _grown(self, tensor: Tensor, old: Shadow) -> Shadow:
        """A storage was resized: what it had stays, and the rest is lifted."""
        new = self.lift(tensor, captured=False)
        first = torch.view_as_real(old.first) if old.first.is_complex() else old.first
        new.first.narrow(0, 0, old.size).copy_(first.as_strided((old.size,), (1,), 0))
        new.terms = old.terms
        return new

    def adopt(self, handle: Tensor, values: Tensor, terms: int = 1) -> None:
        """Let ``values`` (float64 or complex128, of the handle's shape) be those of a new ``handle``.

        They are copied where they are not alone on their storage, or lie in another order.
        """
        storage, theirs = handle.untyped_storage(), values.untyped_storage()
        part = _PART.get(handle.dtype, handle.dtype)
        size = storage.nbytes() // part.itemsize
        alone = not hasattr(theirs, "adopted") and theirs.nbytes() == size * 8 and not values.storage_offset()
        if not (alone and values.stride() == handle.stride() and values.dtype is wide_dtype(handle.dtype)):
            values = self._copied(handle, values, size)
            theirs = values.untyped_storage()
        theirs.adopted = True
        storage.shadow = Shadow(values, part, size, self)
        storage.shadow.terms = terms

    def _copied(self, handle: Tensor, values: Tensor, size: int) -> Tensor:
        dtype = wide_dtype(handle.dtype)
        flat = torch.zeros(size if dtype is torch.float64 else size // 2, dtype=dtype, device=values.device)
        copy = flat.as_strided(handle.shape, handle.stride(), handle.storage_offset())
        copy.copy_(values)
        return copy if handle.is_contiguous() and copy.numel() == flat.numel() else flat

    def put(self, target: Tensor, values: Tensor, like: Shadow) -> None:
        """Give the storage of ``target`` the values of a copy of the shadow ``like``."""
        copy = Shadow(values, like.dtype, like.size, self)
        copy.terms = like.terms
        target.untyped_storage().shadow = copy
        self._lifted.add(target.untyped_storage())

    def forget(self) -> None:
        """Drop the shadows of storages that outlive the run."""
        for storage in list(self._lifted):
            if getattr(getattr(storage, "shadow", None), "run", None) is self:
                del storage.shadow
        self._lifted.clear()
