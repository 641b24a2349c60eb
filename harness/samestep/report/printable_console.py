"""A terminal on which no text of others steers anything: Rich's, with every text that it is given escaped."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from samestep.printable import printable_lines


class PrintableConsole(Console):
    """A `rich.console.Console`: texts, cells, titles and descriptions all come to `render_str`."""

    def render_str(self, text: str, **how: Any) -> Text:
        """Return a text with its markup, and with what is not printable escaped."""
        return super().render_str(printable_lines(text), **how)
