"""What a request is: an operation with its fields, and the type of its answer."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

A = TypeVar("A")


class Request(Generic[A]):
    """An operation, and the type of its answer."""

    OP: ClassVar[str]
    ANSWER: type[A]
