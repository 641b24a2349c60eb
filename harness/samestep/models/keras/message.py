"""Questions, steps, nudges and what a program has seen, as plain data and arrays for another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.program import Finding, Literal, Nudge, Program, Record, Refused
from samestep.agreement.arithmetic.worst_case import Enclosed
from samestep.models.keras.frames import Arrays, Header
from samestep.models.question import Question, Steps
from samestep.models.tensors import Role, TensorKey


def key_text(key: TensorKey) -> str:
    """Return a key as one text, which `text_key` reads."""
    return f"{key.role.name} {key.name}"


def text_key(text: str) -> TensorKey:
    """Return the key of a text."""
    role, _, name = text.partition(" ")
    return TensorKey(Role[role], name)


def part(arrays: Arrays, prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with ``prefix:``, by what follows."""
    return {name.partition(":")[2]: x for name, x in arrays.items() if name.startswith(f"{prefix}:")}


def prefixed(prefix: str, arrays: Mapping[Any, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays with ``prefix:`` before their names."""
    return {f"{prefix}:{name}": array for name, array in arrays.items()}


def write_question(question: Question) -> tuple[Header, dict[str, np.ndarray]]:
    """Return a question as data. Raises `Refused` for a loss that is a function."""
    if callable(question.loss):
        raise Refused("a loss function cannot be sent to the process of Keras's JAX backend: name a loss")
    header = {
        "keywords": question.keywords, "loss": question.loss, "seed": question.seed,
        "backward": question.backward, "cotangents": question.cotangents,
    }  # fmt: skip
    arrays = prefixed("input", dict(enumerate(question.inputs)))
    if question.targets is not None:
        arrays["targets"] = question.targets
    return header, {**arrays, **prefixed("forced", {key_text(k): x for k, x in question.forced.items()})}


def read_question(header: Header, arrays: Arrays) -> Question:
    """Return the question that `write_question` wrote."""
    return Question(
        inputs=tuple(part(arrays, "input").values()),
        keywords=tuple(header["keywords"]),
        loss=header["loss"],
        targets=arrays.get("targets"),
        seed=header["seed"],
        backward=header["backward"],
        forced={text_key(name): x for name, x in part(arrays, "forced").items()},
        cotangents=tuple(header["cotangents"]),
    )


def write_steps(steps: Steps) -> dict[str, np.ndarray]:
    """Return steps as arrays."""
    arrays: dict[str, np.ndarray] = {}
    for t, (values, slopes) in enumerate(zip(steps.params, steps.gradients, strict=True)):
        arrays.update({**prefixed(f"params {t}", values), **prefixed(f"gradients {t}", slopes)})
    return arrays


def read_steps(count: int, arrays: Arrays) -> Steps:
    """Return the steps that `write_steps` wrote."""
    params, gradients = (
        tuple(part(arrays, f"{what} {t}") for t in range(count)) for what in ("params", "gradients")
    )
    return Steps(params, gradients)


def write_nudge(nudge: Nudge | None) -> Header | None:
    """Return a nudge as data."""
    return None if nudge is None else {**asdict(nudge), "shared": sorted(nudge.shared)}


def read_nudge(data: Header | None) -> Nudge | None:
    """Return the nudge that `write_nudge` wrote."""
    if data is None:
        return None
    literal = data["literal"] and Literal(**data["literal"])
    return Nudge(literal, data["constants"], frozenset(data["shared"]), data["sign"])


def write_seen(program: Program[TensorKey]) -> tuple[Header, dict[str, np.ndarray]]:
    """Return what a program has seen as data."""
    header = {
        "literals": [asdict(literal) for literal in program.literals],
        "findings": [asdict(finding) for finding in program.findings],
        "terms": {key_text(key): int(terms) for key, terms in program.terms.items()},
        "uniform": bool(program.uniform),
    }
    return header, prefixed("constant", program.constants)


def read_seen(header: Header, arrays: Arrays) -> Record:
    """Return the record that `write_seen` wrote."""
    return Record(
        literals=[Literal(**data) for data in header["literals"]],
        constants=part(arrays, "constant"),
        findings=[Finding(**data) for data in header["findings"]],
        terms={text_key(name): terms for name, terms in header["terms"].items()},
        uniform=header["uniform"],
    )


def write_enclosed(
    program: Program[TensorKey], tensors: Mapping[TensorKey, Enclosed]
) -> tuple[Header, dict[str, np.ndarray]]:
    """Return tensors with their bounds, and what the program has seen, as data."""
    header, constants = write_seen(program)
    unknown = {key_text(key): x.unknown for key, x in tensors.items()}
    values = prefixed("tensor", {key_text(key): np.asarray(x.value) for key, x in tensors.items()})
    bounds = prefixed("bound", {key_text(key): np.array(x.bound) for key, x in tensors.items()})
    return {**header, "unknown": unknown}, {**constants, **values, **bounds}


def read_enclosed(header: Header, arrays: Arrays) -> dict[TensorKey, Enclosed]:
    """Return the tensors that `write_enclosed` wrote."""
    bounds = part(arrays, "bound")
    return {
        text_key(name): Enclosed(value, bounds[name], unknown=header["unknown"][name])
        for name, value in part(arrays, "tensor").items()
    }
