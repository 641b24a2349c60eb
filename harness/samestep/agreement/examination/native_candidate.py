"""A candidate in the process that has loaded it: what is opened from Python, and what is timed."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import ClassVar, Self

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.native_calls import Native, NativeCalls
from samestep.frameworks import Adapter, Settings
from samestep.spec import Case, Inputs, Spec


class NativeCandidate(Candidate):
    """An implementation's ``module`` with the ``adapter`` of its framework, on the inputs of one case.

    ``CALLS`` is how its functions are called.
    """

    CALLS: ClassVar[type[NativeCalls]] = NativeCalls

    def __init__(
        self,
        module: ModuleType,
        adapter: Adapter,
        settings: Settings,
        spec: Spec,
        case: Case,
        inputs: Inputs,
        numbers: Mapping[str, float | int] | None = None,
    ) -> None:
        self.native_calls = self.CALLS(module, adapter)
        super().__init__(self.native_calls, settings, spec, case, inputs, numbers)

    @property
    def module(self) -> ModuleType:
        """The implementation."""
        return self.native_calls.module

    @property
    def adapter(self) -> Adapter:
        """The adapter of its framework."""
        return self.native_calls.adapter

    def on(self, inputs: Inputs, numbers: Mapping[str, float | int] | None = None) -> Self:
        """Return the same implementation in the same process, on other inputs of the same shapes."""
        numbers = numbers if numbers is not None else self.numbers
        return type(self)(self.module, self.adapter, self.settings, self.spec, self.case, inputs, numbers)

    def asarray(self, array: np.ndarray) -> object:
        """Return a native copy of an array, made in the implementation's own way where it has one."""
        return self.native_calls.asarray(array)

    def arguments(self, task: str, steps: int | None = None) -> list[object]:
        """Return the native inputs of a task; ``steps`` shortens a task of many steps to its first ones."""
        handles = self.handles(task, steps)
        return [one.value if isinstance(one, Native) else one for one in handles]
