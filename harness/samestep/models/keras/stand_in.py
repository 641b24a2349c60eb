"""A Keras model of another backend, interpreted on Keras's JAX backend where the two agree.

Backends are not the same function (average pooling with padding "same" is not), so what the JAX backend says
counts only if the model's own run is within the limits that follow from it: else the program is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from samestep.agreement.arithmetic.program import Contract, Program, Refused
from samestep.agreement.limits import FEWER_REPLICAS, FLOOR, elementwise_limit, smallest_normal
from samestep.models.keras.jax_process import RemoteProgram, the_process
from samestep.models.keras.message import prefixed, write_question, write_steps
from samestep.models.keras.network import KerasNetwork
from samestep.models.question import Question, Steps
from samestep.models.tensors import TensorKey, Tensors

Values = Mapping[str, np.ndarray]


class StandIn:
    """The same model in the process of the JAX backend. Raises `Refused` where it cannot be made there."""

    def __init__(self, network: KerasNetwork) -> None:
        fixed = dict(network.fixed)
        odd = [
            name for name, value in fixed.items() if not isinstance(value, bool | int | float | str | None)
        ]
        if odd:
            raise Refused(f"the argument {odd[0]} cannot be sent to the process of Keras's JAX backend")
        request = {
            "do": "open", "fixed": fixed, "modules": _modules(network), "layers": list(network.layers),
            "config": _serialized(network.layer, network.name),
            "variables": [[variable.path, list(variable.shape)] for variable in network.variables],
        }  # fmt: skip
        self.process = the_process()
        self.number = next(self.process.numbers)
        self.process.ask({**request, "model": self.number})

    def program(
        self,
        question: Question,
        contract: Contract | None,
        parameters: Values,
        state: Values,
        native: Tensors | None,
    ) -> Program[TensorKey]:
        """Return the program of a question. It must agree with the ``native`` tensors, where there are any.

        Raises `Refused`.
        """
        header, arrays = write_question(question)
        values = {**prefixed("parameter", parameters), **prefixed("state", state)}
        request = {"do": "program", "question": header, "contract": contract and contract.value}
        return self._program(request, {**arrays, **values}, native)

    def steps_program(self, optimizer: object, steps: Steps, native: Tensors) -> Program[TensorKey]:
        """Return the program of optimizer steps, which must agree with ``native``. Raises `Refused`."""
        config = _serialized(optimizer, f"the optimizer {type(optimizer).__name__}")
        request = {"do": "steps", "optimizer": config, "count": len(steps.params)}
        return self._program(request, write_steps(steps), native)

    def _program(self, request: dict[str, Any], arrays: Values, native: Tensors | None) -> RemoteProgram:
        number = next(self.process.numbers)
        self.process.ask({**request, "model": self.number, "program": number}, arrays)
        program = RemoteProgram(self.process, number)
        if native is not None:
            check_same_function(program, native)
        return program


def check_same_function(program: Program[TensorKey], native: Tensors) -> None:
    """Raise `Refused` where a tensor of the run on the model's own backend is beyond the program's limit."""
    exact = program.exact()
    if exact.keys() != native.keys():
        odd = next(iter(exact.keys() ^ native.keys()))
        raise Refused(f"Keras's JAX backend computes other tensors than the model's own: {odd}")
    replicas = [program.replica(seed) for seed in range(FEWER_REPLICAS)]
    for key, expected in exact.items():
        share = _share(native[key], expected, [replica[key] for replica in replicas])
        if not share <= 1:
            raise Refused(
                f"Keras's JAX backend is another function than the model's own backend: {key} is "
                f"{share:.3g} times its limit off"
            )


def _share(got: np.ndarray, expected: np.ndarray, replicas: list[np.ndarray]) -> float:
    """The largest error over its limit; infinite where shapes, integers or what is finite differ."""
    if got.shape != expected.shape:
        return float("inf")
    finite = np.isfinite(expected)
    with np.errstate(all="ignore"):
        alike = np.array_equal(got[~finite], expected[~finite], equal_nan=expected.dtype.kind == "f")
        if expected.dtype.kind != "f" or not alike:
            return 0.0 if np.array_equal(got, expected) else float("inf")
        squares = np.mean([np.square(replica - expected) for replica in replicas], axis=0)[finite]
        floor = FLOOR * np.sqrt(squares.mean()) if squares.size else 0.0
        sigma = np.maximum(np.sqrt(squares), max(floor, smallest_normal("float32")))
        ratio = np.abs(got.astype(np.float64) - expected)[finite] / sigma
    return float(ratio.max(initial=0.0)) / elementwise_limit(len(replicas))


def _serialized(made: object, name: str) -> Any:
    try:
        return keras.saving.serialize_keras_object(made)
    except Exception as error:  # whatever a get_config of the user's own raises
        text = " ".join(str(error).split())[:300]
        raise Refused(
            f"{name} cannot be sent to Keras's JAX backend ({type(error).__name__}: {text})"
        ) from error


def _modules(network: KerasNetwork) -> list[str]:
    """The modules that define the user's own layers. Raises `Refused` for those of the main script."""
    kinds = {type(layer) for layer in (network.layer, *network.layers.values())}
    own = sorted({kind.__module__ for kind in kinds if not kind.__module__.startswith("keras.")})
    if "__main__" in own:
        kind = next(kind for kind in kinds if kind.__module__ == "__main__")
        raise Refused(
            f"{kind.__name__} is defined in the main script: put it into a module, so that the process of "
            "Keras's JAX backend can import it"
        )
    return own
