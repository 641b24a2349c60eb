"""Finds the questions, and puts one to a framework: what a worker runs."""

from __future__ import annotations

import importlib
import importlib.util
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

from samestep.conventions.answers import Answer, plain
from samestep.conventions.questions import TOPICS, Question


def topic(name: str) -> ModuleType:
    return importlib.import_module(f"samestep.conventions.{name}")


def selected(globs: tuple[str, ...]) -> dict[str, Question]:
    """The questions that match any of the globs, by ``topic/name``; all where there is none.

    A glob is matched with the name, with ``topic/name``, with the topic and with the text. Raises LookupError
    with the first glob that matches nothing.
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
    """Imports the framework, too."""
    return str(importlib.import_module(framework).__version__)


def answer(framework: str, key: str) -> dict[str, Any]:
    """What the framework does here and now; None where it has nothing of the kind.

    Raises whatever the framework does.
    """
    name, _, question = key.partition("/")
    path = f"samestep.conventions.{name}.{framework}"
    ask = getattr(importlib.import_module(path), question, None) if importlib.util.find_spec(path) else None
    given: Answer | None = plain(ask()) if ask else None
    return {"answer": given}
