"""Pages of runs, and what a reader finds in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from samestep.commands.main import main
from samestep.records.store import Run
from samestep.records.validated import read
from samestep.report import page
from samestep.report.page.template import filled
from samestep.report.run_answers import Answer, answers
from samestep.report.sources import sources_of
from samestep.report.summaries import summaries_of
from tests.made import records

EVIL = "</script></style><script>document.title='got you'</script><img src=x onerror=alert(1)>&\"'{{ 7*7 }}"


def about(names: tuple[str, ...] = records.NAMES) -> dict[str, Any]:
    """Return the document of a plan, with all that a machine may have."""
    plan = records.about(names)
    plan["machine"] |= {"cores": 2, "governor": None, "memory_bytes": 2**33}
    return {**plan, "run": "2026-01-01T00-00-00"}


def saved(
    folder: Path, plan: Mapping[str, Any] | None = None, kept: Sequence[Mapping[str, Any]] | None = None
) -> Run:
    return records.saved(folder, plan or about(), kept)


def rendered(*folders: Path, sources: Mapping[str, str | None] | None = None) -> str:
    """Return the page of runs; without ``sources`` it shows none."""
    runs, left_out = read(folders)
    return page.render(runs, sources or {}, left_out)


def rendered_with_sources(folder: Path) -> str:
    return rendered(folder, sources=sources_of(read([folder])[0]))


def answers_of(run: Run) -> list[Answer]:
    return answers(run.folder.name, run.plan, summaries_of(run))


def card(one: Answer) -> str:
    """Return the text of an answer on the page."""
    around = {"runs": [one.run], "answers": [one], "workload_descriptions": {}, "most_named": 2}
    return Reader(filled("answer.html.j2", {"one": one, "sections": {}, **around})).text


def samestep(*arguments: object) -> Result:
    """Run ``samestep report``."""
    done = CliRunner().invoke(main, ["report", *map(str, arguments)], env={"COLUMNS": "80"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


class Reader(HTMLParser):
    """The texts outside of scripts and styles, the tags, and the addresses that an element would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = dict(attrs)
        self.loads += [names[n] for n in ("src", "srcset", "poster", "data") if names.get(n)]
        if tag == "link":
            self.loads.append(names["href"])

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1] not in ("script", "style"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))
