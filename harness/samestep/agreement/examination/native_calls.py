"""The raw calls of an implementation in the process that has loaded it, with the adapter of its framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from samestep.agreement.examination.raw_calls import Departures, Given, Modified, Returned, Shown
from samestep.agreement.examination.stored_parts import items_of, parts_of
from samestep.frameworks import Adapter

#: Kinds of dtypes that are NumPy's own numbers; what a framework adds (bfloat16) is of another.
NUMBERS = "biufc"
#: The outputs that are mappings.
MAPPINGS = ("grads", "trace")


@dataclass(frozen=True)
class Native:
    """A native array, and the bytes that it had when it was made; None where it was another one at once."""

    value: object
    made: bytes | None


class NativeCalls:
    """A module with its adapter. A state is the implementation's own object, an array a `Native`."""

    def __init__(self, module: ModuleType, adapter: Adapter) -> None:
        self.module = module
        self.adapter = adapter

    def offers(self, function: str) -> bool:
        """Return whether the module has a function of that name."""
        return callable(getattr(self.module, function, None))

    def departures(self) -> Departures:
        """Return the probes that the module says it fails."""
        must, may = (dict(getattr(self.module, name, {})) for name in ("DEPARTS", "MAY_DEPART"))
        return Departures(*({str(name): str(why) for name, why in one.items()} for one in (must, may)))

    def asarray(self, array: np.ndarray) -> object:
        """Return a native copy of an array.

        It is made in the implementation's own way where it has one (a session is fed ndarrays).
        """
        own = getattr(self.module, "asarray", None)
        return own(array.copy()) if own else self.adapter.asarray(array)

    def make(self, arrays: Mapping[str, np.ndarray]) -> dict[str, object]:
        """Return native copies of arrays, by name."""
        return {name: self._native(array) for name, array in arrays.items()}

    def adopt(self, params: Mapping[str, np.ndarray]) -> object:
        """Return the implementation's own state."""
        return self.module.adopt({name: self.asarray(value) for name, value in params.items()})

    def export(self, state: object) -> Shown:
        """Return the params of a state."""
        return self._mapping(self.module.export(state))

    def call(
        self,
        function: str,
        state: object,
        arguments: Sequence[object],
        outputs: Sequence[str],
        times: int = 1,
    ) -> Returned:
        """Call a function, several times one after another, and describe what it returned."""
        plain = [one.value if isinstance(one, Native) else one for one in arguments]
        for _ in range(times):
            returned: Any = self.invoke(function, state, plain)
            if times > 1 and "state" in outputs:
                state = returned[list(outputs).index("state")]
        modified = [
            m for n, one in enumerate(arguments) if isinstance(one, Native) for m in self._now(n, one)
        ]
        return self.described(returned, outputs, modified)

    def described(self, returned: object, outputs: Sequence[str], modified: Sequence[Modified]) -> Returned:
        """Return what a call returned, as data but for the new state."""
        parts = parts_of(returned, len(outputs))
        if parts is None:
            a_tuple = issubclass(type(returned), tuple)
            got = f"a tuple of {tuple.__len__(returned)}" if a_tuple else type(returned).__name__  # type: ignore[arg-type]
            return Returned(got, None, None, modified)
        named = dict(zip(outputs, parts, strict=True))
        new_state = named.pop("state", None)
        results = {
            name: self._mapping(value)
            if name in MAPPINGS
            else Shown(type(value).__name__, self._given(value))
            for name, value in named.items()
        }
        return Returned(type(returned).__name__, results, new_state, modified)

    def invoke(self, function: str, state: object, arguments: Sequence[object]) -> object:
        """Return what a function returns, once it is computed."""
        returned = getattr(self.module, function)(state, *arguments)
        self.adapter.wait(returned)
        return returned

    def _native(self, array: np.ndarray) -> Native:
        value = self.asarray(array)
        made = self.adapter.to_numpy(value)  # of another dtype where the framework has one of its own
        same = made.astype(array.dtype).tobytes() == array.tobytes()
        return Native(value, made.tobytes() if same else None)

    def _now(self, position: int, native: Native) -> list[Modified]:
        """What an argument is now, where that is not what was made; bytes, whatever became of NumPy."""
        now = self.adapter.to_numpy(native.value)
        return [] if now.tobytes() == native.made else [Modified(position, now)]

    def _mapping(self, value: object) -> Shown:
        items = items_of(value)
        if items is None:
            return Shown(type(value).__name__)
        return Shown(type(value).__name__, items={name: self._given(one) for name, one in items.items()})

    def _given(self, value: object) -> Given:
        try:
            array = self.adapter.to_numpy(value)
        except TypeError as error:
            return Given(refused=str(error))
        device, from_numpy = str(self.adapter.device_of(value)), isinstance(value, np.ndarray | np.generic)
        return Given(str(array.dtype), array if array.dtype.kind in NUMBERS else None, device, from_numpy)
