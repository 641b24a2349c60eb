"""Blocks of the documents' pages that tests run, or hold against what is printed."""

from __future__ import annotations

import re

from tests.made.places import CHECKOUT

CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def page(name: str) -> str:
    """Return the text of a page of docs/."""
    return (CHECKOUT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def block(text: str, name: str) -> str:
    """Return what is in the fenced block after the comment ``<!-- name -->`` of a page's text; after one of
    output stands ``<!-- end -->``."""
    end = "\n\n<!-- end -->" if name.startswith("output ") else ""
    [found] = re.findall(rf"<!-- {re.escape(name)} -->\n\n```\w*\n(.*?)```{end}", text, re.DOTALL)
    return str(found)


def printed(text: str, name: str) -> str:
    """Return what a page says that its block of that name prints, without the end of the last line."""
    return block(text, f"output {name}").removesuffix("\n")
