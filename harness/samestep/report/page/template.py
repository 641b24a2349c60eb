"""The page's templates: Jinja2 with the filters that turn numbers into text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from samestep.analysis.statistics import Contrast
from samestep.report import formatting
from samestep.report.page.figures import script_json

if TYPE_CHECKING:
    import jinja2

HERE = Path(__file__).resolve().parent

#: The most characters of a value that a record may have made up.
LONGEST = 300


def filled(name: str, context: Mapping[str, object]) -> str:
    """Return a template with its context filled in; every text in it is escaped."""
    return _environment().get_template(name).render(**context)


def filled_page(context: Mapping[str, object], document: Mapping[str, object]) -> str:
    """Return the page; ``document`` is what its script reads."""
    from markupsafe import Markup

    files = {name: Markup((HERE / f"page.{name}").read_text(encoding="utf-8")) for name in ("css", "js")}
    scripts = {"library": Markup(_library()), "document": Markup(script_json(document))}
    return filled("page.html.j2", {**context, **files, **scripts})


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    loader = jinja2.FileSystemLoader(HERE)
    found = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    found.filters |= {
        "seconds": formatting.seconds,
        "interval": formatting.interval,
        "deviation": formatting.deviation,
        "flop_rate": formatting.flop_rate,
        "break_even": lambda one: formatting.break_even(_calls(one.calls), one.steps),
        "time": formatting.time,
        "control": formatting.control,
        "speedup": formatting.speedup,
        "surely": surely,
        "clip": lambda text: str(text)[:LONGEST],
    }
    return found


def _calls(calls: float | None) -> float:
    """Return the calls of a break-even as `formatting.break_even` takes them: inf where there is none."""
    return float("inf") if calls is None else calls


def surely(ratio: Contrast) -> float:
    """Return how many times as long one surely takes as the other, whichever it is; below 1 of those that may
    take the same time."""
    low, high = ratio.sure
    return max(low, 1 / high)


@cache
def _library() -> str:
    """Return Vega, Vega-Lite and vega-embed in the version that Altair writes for, as one script."""
    import altair
    import vl_convert

    version = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed", version)).replace(
        "</script", "<\\/script"
    )
