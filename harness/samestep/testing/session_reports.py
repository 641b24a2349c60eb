"""The comparisons of a whole session, from the reports of its tests: the summary, and a JSON document.

It lives in the process that reports, which under xdist is not the one that runs tests.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from samestep import __version__

if TYPE_CHECKING:
    from samestep.testing.outcome import Outcome


@dataclass(eq=False)
class SessionReports:
    """Gathers outcomes as reports come in; a plugin of its own, registered where reports are shown."""

    root: Path
    document: Path | None
    failed: set[str] = field(default_factory=set)
    tests: dict[str, list[Outcome]] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)
        if report.when == "teardown" and report.user_properties:  # of all phases
            from samestep.testing.outcome import outcomes_of

            # a test that was run again has what it found each time: the last one counts
            found = {(one.node_id, one.call): one for one in outcomes_of(report.user_properties)}
            self.tests[report.nodeid] = list(found.values())

    @property
    def reported(self) -> list[tuple[Outcome, bool]]:
        """The comparisons in the order of files and lines, each with whether its test failed.

        Under xdist they come in any order.
        """
        found = [(one, test in self.failed) for test, outcomes in self.tests.items() for one in outcomes]
        return sorted(found, key=lambda one: (one[0].file, one[0].line, one[0].node_id, one[0].call))

    def pytest_sessionfinish(self) -> None:
        if self.document is not None:
            self.document.write_text(json.dumps(self.as_document(), indent=1) + "\n", encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        reported = self.reported
        if not reported:
            return
        from samestep.testing.summary_lines import counted, summary_lines

        config, environment = terminalreporter.config, os.environ
        width = None if environment.get("CI") else config.get_terminal_writer().fullwidth
        quiet = config.get_verbosity() < 0
        lines = [line for one in reported for line in summary_lines(*one, width, quiet)]
        if lines:
            terminalreporter.section("samestep")
        for line in lines:
            terminalreporter.write_line(line)
        count = counted([outcome for outcome, _ in reported])
        terminalreporter.write_line(count if lines else f"samestep: {count}")
        if environment.get("GITHUB_ACTIONS") == "true":
            self._annotate(terminalreporter, environment)

    def as_document(self) -> dict[str, object]:
        """Return all comparisons as a document for `json.dumps`."""
        from samestep.codec import encode

        reported = self.reported
        return {
            "samestep": __version__,
            "counts": dict(Counter(outcome.verdict for outcome, _ in reported)),
            "comparisons": [{**encode(outcome), "test_failed": failed} for outcome, failed in reported],
        }

    def _annotate(self, terminal: pytest.TerminalReporter, environment: Mapping[str, str]) -> None:
        """GitHub takes these lines from the log, and shows them beside the code."""
        from samestep.testing.summary_lines import annotation

        workspace = Path(environment.get("GITHUB_WORKSPACE") or self.root)
        for outcome, test_failed in self.reported:
            line = annotation(outcome, test_failed, self.root / outcome.file, workspace)
            if line is not None:
                terminal.write_line(line)
