"""Finds the questions and puts one to a framework; this is what a worker runs."""

from __future__ import annotations

import importlib
import importlib.util
from fnmatch import fnmatchcase
from types import ModuleType

from samestep.conventions.answers import Answer, to_answer
from samestep.conventions.questions import TOPICS, Question


def topic(name: str) -> ModuleType:
    """Return the module of a topic, which has TITLE, NOTE and QUESTIONS."""
    return importlib.import_module(f"samestep.conventions.{name}")


def matching_questions(globs: tuple[str, ...]) -> dict[str, Question]:
    """Return the questions that match any of the globs, by ``topic/name``; all of them without globs.

    A glob is matched against the name, ``topic/name``, the topic and the text. Raises LookupError with the
    first glob that matches nothing.
    """
    every = {f"{name}/{question.name}": question for name in TOPICS for question in topic(name).QUESTIONS}
    found: set[str] = set()
    for glob in globs:
        hits = {
            key
            for key, question in every.items()
            if any(fnmatchcase(text, glob) for text in (key, *key.split("/"), question.text))
        }
        if not hits:
            raise LookupError(glob)
        found |= hits
    return {key: question for key, question in every.items() if key in found or not globs}


def version(framework: str) -> str:
    """Import the framework and return its version."""
    return str(importlib.import_module(framework).__version__)


def answer(framework: str, key: str) -> Answer | None:
    """Return what the framework does here; None where it has no such function.

    ``key`` is a question as ``topic/name``. Raises whatever the framework raises.
    """
    name, _, question = key.partition("/")
    path = f"samestep.conventions.{name}.{framework}"
    ask = getattr(importlib.import_module(path), question, None) if importlib.util.find_spec(path) else None
    return to_answer(ask()) if ask else None
