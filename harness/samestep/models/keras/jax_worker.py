"""The process in which a Keras model of another backend is interpreted on Keras's JAX backend.

It is started by `samestep.models.keras.jax_process` with KERAS_BACKEND=jax, reads requests from its standard
input, and answers each on what was its standard output.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, BinaryIO

import keras

from samestep.agreement.arithmetic.program import Contract, Level, Program, Refused
from samestep.agreement.arithmetic.worst_case import Enclosing
from samestep.models.keras.frames import Arrays, Header, read_frame, write_frame
from samestep.models.keras.message import (
    key_text,
    part,
    prefixed,
    read_nudge,
    read_question,
    read_steps,
    write_enclosed,
    write_seen,
)
from samestep.models.keras.names import SEED
from samestep.models.keras.subject import KerasSubject
from samestep.models.subject import ModelError
from samestep.models.tensors import TensorKey

Answer = tuple[Header, Arrays]


class Worker:
    """The models and programs that the other process has opened, by number."""

    def __init__(self) -> None:
        self.models: dict[int, KerasSubject] = {}
        self.programs: dict[int, Program[TensorKey]] = {}

    def answer(self, header: Header, arrays: Arrays) -> Answer:
        """Return the answer to one request. Raises `Refused` and `ModelError`."""
        return getattr(self, f"do_{header['do']}")(header, arrays)  # type: ignore[no-any-return]

    def do_open(self, header: Header, arrays: Arrays) -> Answer:
        """Make a model from its configuration, with the names that it has in the other process."""
        layer = _made(header)
        _name_variables(layer, header["variables"])
        self.models[header["model"]] = KerasSubject.open(layer, header["fixed"], header["layers"])
        return {}, {}

    def do_program(self, header: Header, arrays: Arrays) -> Answer:
        """Make the program of a question, with all values of the model."""
        subject = self.models[header["model"]].with_values(part(arrays, "parameter"), part(arrays, "state"))
        question = read_question(header["question"], arrays)
        contract = header["contract"] and Contract(header["contract"])
        self.programs[header["program"]] = subject.program(question, contract)
        return {}, {}

    def do_steps(self, header: Header, arrays: Arrays) -> Answer:
        """Make the program of optimizer steps."""
        optimizer = keras.saving.deserialize_keras_object(header["optimizer"])
        steps = read_steps(header["count"], arrays)
        self.programs[header["program"]] = self.models[header["model"]].steps_program(optimizer, steps)
        return {}, {}

    def do_exact(self, header: Header, arrays: Arrays) -> Answer:
        """Run a program exactly; return its tensors and what it has seen."""
        program = self.programs[header["program"]]
        return _tensors(program, program.exact(read_nudge(header["nudge"])))

    def do_replica(self, header: Header, arrays: Arrays) -> Answer:
        """Run a program with noise."""
        program = self.programs[header["program"]]
        return _tensors(program, program.replica(header["seed"], Level(header["level"])))

    def do_enclosed(self, header: Header, arrays: Arrays) -> Answer:
        """Run a program with bounds."""
        program = self.programs[header["program"]]
        assert isinstance(program, Enclosing)  # they are all JAX programs here
        return write_enclosed(program, program.enclosed(frozenset(header["rounded"])))

    def do_close(self, header: Header, arrays: Arrays) -> Answer:
        """Forget a program or a model."""
        self.programs.pop(header.get("program", -1), None)
        self.models.pop(header.get("model", -1), None)
        return {}, {}


def _made(header: Header) -> keras.Layer:
    try:
        for module in header["modules"]:
            importlib.import_module(module)
        return keras.saving.deserialize_keras_object(header["config"], safe_mode=False)
    except Exception as error:  # whatever a layer of the user's own raises
        text = " ".join(str(error).split())[:300]
        raise Refused(
            f"the model cannot be made anew on Keras's JAX backend ({type(error).__name__}: {text}): its own "
            "layers must be importable, in keras.ops, with a get_config"
        ) from error


def _name_variables(layer: keras.Layer, named: list[tuple[str, list[int]]]) -> None:
    """Give variables the paths that they have in the other process: those of inner layers may differ."""
    own = [variable for variable in layer.variables if not variable.path.endswith(SEED)]
    if [list(variable.shape) for variable in own] != [shape for _, shape in named]:
        raise Refused(f"{layer.name} has other variables on Keras's JAX backend")
    for variable, (path, _) in zip(own, named, strict=True):
        variable._path = path


def _tensors(program: Program[TensorKey], tensors: Any) -> Answer:
    header, constants = write_seen(program)
    return header, {**prefixed("tensor", {key_text(k): x for k, x in tensors.items()}), **constants}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more."""
    worker = Worker()
    while True:
        try:
            header, arrays = read_frame(requests)
        except EOFError:
            return
        try:
            reply, results = worker.answer(header, arrays)
        except Refused as refused:
            reply, results = {"refused": str(refused)}, {}
        except ModelError as error:
            reply, results = {"wrong": str(error)}, {}
        write_frame(answers, reply, results)


if __name__ == "__main__":
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a layer prints is no answer
        serve(sys.stdin.buffer, answers)
