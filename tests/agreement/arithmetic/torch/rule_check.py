"""Holds noise against real float32: one function, forward and backward, judged as any candidate is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.noise_mode import NoiseMode
from samestep.agreement.arithmetic.torch.operation_table import operation_name
from samestep.agreement.examination.tensor_statistics import tensor_statistics
from samestep.agreement.findings import TensorStatistics
from samestep.agreement.reference.spread import SpreadMeter

REPLICAS = 16
#: Tensors of fewer elements have no norm that is judged.
JUDGED = 500


class SeenMode(NoiseMode):
    """A noise mode that remembers which operations it applied."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.seen: set[str] = set()

    def apply(self, func, args, kwargs):
        self.seen.add(operation_name(func))
        return super().apply(func, args, kwargs)


@dataclass
class Comparison:
    """The statistics of all floating tensors of one function, and the operations that it is made of.

    ``sigmas`` are the norms of sigma, 0 where nothing rounds, and ``errors`` those of the real errors.
    """

    statistics: dict[str, TensorStatistics]
    sigmas: dict[str, float]
    errors: dict[str, float]
    seen: set[str] = field(default_factory=set)

    @property
    def breaches(self) -> list[str]:
        """What is over a limit, in words."""
        return [
            f"{name}: {kind} {value:.3g} of {limit:.3g}"
            for name, s in self.statistics.items()
            for kind, value, limit in (
                ("elements", s.elements, s.elements_limit),
                ("norm", s.norm if s.size >= JUDGED else 0.0, s.norm_limit),
                ("scale", abs(s.scale) if s.size >= JUDGED else 0.0, s.scale_limit),
            )
            if not value <= limit
        ]


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Make tensors without a dtype in this one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def run(
    function: Callable[..., object], inputs: Sequence[Tensor], dtype: torch.dtype, backward: bool
) -> dict[str, Tensor]:
    """Return outputs and gradients in ``dtype``, by one fixed random cotangent for each output."""
    own = [
        x.detach().to(dtype, copy=True).requires_grad_(backward) if x.is_floating_point() else x
        for x in inputs
    ]
    with default_dtype(dtype):
        result = function(*own)
    outs = result if isinstance(result, tuple) else (result,)
    tensors = {f"out{i}": out for i, out in enumerate(outs) if isinstance(out, Tensor)}
    if backward:
        floats = [out for out in tensors.values() if out.requires_grad]
        leaves = {f"grad{i}": x for i, x in enumerate(own) if x.requires_grad}
        grads = torch.autograd.grad(floats, list(leaves.values()), _cotangents(floats), allow_unused=True)
        tensors |= {name: g for name, g in zip(leaves, grads, strict=True) if g is not None}
    return {name: t.detach().clone() for name, t in tensors.items()}


def _cotangents(outs: Sequence[Tensor]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    with torch._C._DisableTorchDispatch():
        drawn = [torch.randn(out.shape, generator=generator, dtype=torch.float32) for out in outs]
        return [x.to(out.dtype) for x, out in zip(drawn, outs, strict=True)]


def compare(
    function: Callable[..., object],
    inputs: Sequence[Tensor],
    backward: bool = True,
    mode: SeenMode | None = None,
    candidate: Callable[..., object] | None = None,
) -> Comparison:
    """Return how ``candidate`` in float32 (the function itself) stands beside the noise of ``function``."""
    mode = SeenMode() if mode is None else mode
    real = _arrays(run(candidate or function, inputs, torch.float32, backward))
    mode.record()
    with mode:
        exact = run(function, inputs, torch.float64, backward)
    meter = SpreadMeter(_arrays(exact), {}, {}, "float32")
    for seed in range(REPLICAS):
        mode.replay(seed)
        with mode:
            noisy = run(function, inputs, torch.float64, backward)
        mode.finish()
        meter.add(_arrays(noisy))
    statistics, sigmas, errors = {}, {}, {}
    for name, value in _arrays(exact).items():
        if value.dtype.kind != "f":
            assert np.array_equal(value, real[name]), name
            continue
        assert np.array_equal(np.isfinite(value), np.isfinite(real[name])), name
        statistics[name] = tensor_statistics(real[name], value, meter.spreads()[name], None)
        sigmas[name] = float(np.sqrt(meter.scatters[name].squares.sum()))
        errors[name] = float(np.abs(np.where(np.isfinite(value), real[name] - value, 0)).sum())
    return Comparison(statistics, sigmas, errors, mode.seen)


def _arrays(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}
