"""The code of a pitfall's functions, as it stands in their files; nothing is imported."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def functions(topic: str, framework: str) -> dict[str, str]:
    """Return the code of a topic's functions in a framework, by name; none where it has no file."""
    path = Path(__file__).parent / topic / f"{framework}.py"
    if not path.exists():
        return {}
    source = path.read_text(encoding="utf-8")
    found = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    return {node.name: ast.get_source_segment(source, node) or "" for node in found}
