"""Finds the questions and puts one to a framework; this is what a worker runs."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from fnmatch import fnmatchcase
from types import ModuleType

from samestep.conventions.answers import Answer, to_answer
from samestep.conventions.ports.pitfall import MATCHED, PORT_TOPICS, pitfalls
from samestep.conventions.questions import LIBRARIES, TOPICS, Question


def topic(name: str) -> ModuleType:
    """Return the module of a topic, which has TITLE, NOTE and QUESTIONS, or PITFALLS."""
    return importlib.import_module(f"samestep.conventions.{'ports.' * (name in PORT_TOPICS)}{name}")


def every_question() -> dict[str, Question]:
    """Return all questions by ``topic/name``: two for a pitfall, as it is written first and as it matches."""
    every = {f"{name}/{question.name}": question for name in TOPICS for question in topic(name).QUESTIONS}
    for key, one in pitfalls().items():
        every[key] = Question(one.name, one.title, one.links, symptoms=(*one.symptoms, one.said))
        every[key + MATCHED] = Question(one.name + MATCHED, f"{one.title}, matched", one.links)
    return every


def matching_questions(globs: tuple[str, ...]) -> dict[str, Question]:
    """Return the questions that match any of the globs, by ``topic/name``; all of them without globs.

    A glob is matched against the name, ``topic/name``, the topic and the text. Of a pitfall both questions
    come along. Raises LookupError with the first glob that matches nothing.
    """
    every = every_question()
    found: set[str] = set()
    for glob in globs:
        hits = {
            key
            for key, question in every.items()
            if any(fnmatchcase(text, glob) for text in (key, *key.split("/"), question.text))
        }
        if not hits:
            raise LookupError(glob)
        found |= {pitfall_of(key) for key in hits}
    return {key: question for key, question in every.items() if pitfall_of(key) in found or not globs}


def pitfall_of(key: str) -> str:
    """Return the key of the pitfall that a question is about; of any other question its own."""
    return key.removesuffix(MATCHED)


def version(framework: str) -> str:
    """Import the framework and return its version."""
    return str(importlib.import_module(framework).__version__)


def libraries(framework: str) -> dict[str, str]:
    """Return the versions of its libraries that are installed."""
    names = [name for name in LIBRARIES.get(framework, ()) if importlib.util.find_spec(name)]
    return {name: importlib.metadata.version(name) for name in names}


def answer(framework: str, key: str) -> Answer | None:
    """Return what the framework does here; None where it has no such function.

    ``key`` is a question as ``topic/name``. Where one of the framework's `LIBRARIES` is missing, the answer
    says so. Raises whatever the framework raises.
    """
    name, _, question = key.partition("/")
    try:
        if name in PORT_TOPICS:
            from samestep.conventions.ports.measure_port import port_answer

            return port_answer(framework, key)
        path = f"samestep.conventions.{name}.{framework}"
        known = importlib.util.find_spec(path) is not None
        ask = getattr(importlib.import_module(path), question, None) if known else None
        return to_answer(ask()) if ask else None
    except ModuleNotFoundError as error:
        if error.name not in LIBRARIES.get(framework, ()):
            raise
        return f"needs {error.name}"
