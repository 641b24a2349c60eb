"""Comparisons in lines for a terminal and for GitHub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from samestep.printable import printable
from samestep.testing.outcome import RECORDED, Outcome

AGREE, WEAKER, DISAGREE, ABSTAINS = "agree", "weaker", "disagree", "abstains"


def summary_lines(outcome: Outcome, test_failed: bool, width: int | None, quiet: bool) -> Iterator[str]:
    """Yield the lines on one comparison, cut to ``width`` where there is one.

    With ``quiet`` there is none on one that agrees, unless there is more to say.
    """
    more = outcome.notes or outcome.bundle or outcome.explained
    if quiet and outcome.verdict == AGREE and not more:
        return
    said = [_place_in_words(outcome)]
    if not outcome.passed and not test_failed:
        said.append("the test expects it")
    yield cut(
        f"{outcome.verdict:<8} {_share(outcome):>7}  {printable(outcome.name)}: {', '.join(said)}", width
    )
    yield from (cut(f"{'':18}{note}", width) for note in outcome.notes)
    if outcome.bundle is not None and outcome.passed:
        yield f"{'':18}again: samestep replay {outcome.bundle}"
    if outcome.explained is not None:
        yield from (f"{'':18}{printable(line)}" for line in outcome.explained.splitlines())


def counted(outcomes: Sequence[Outcome]) -> str:
    """Return how many comparisons gave which verdict, in one line."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    declared = sum(outcome.verdict == WEAKER and outcome.passed for outcome in outcomes)
    words = {
        AGREE: "agree",
        WEAKER: f"weaker ({declared} as declared)" if declared else "weaker",
        DISAGREE: "disagree",
        ABSTAINS: "not examined, which is no agreement",
        RECORDED: "recorded",
    }
    parts = [f"{counts[verdict]} {said}" for verdict, said in words.items() if counts[verdict]]
    return f"{len(outcomes)} comparison{'' if len(outcomes) == 1 else 's'}: {', '.join(parts)}"


def annotation(outcome: Outcome, test_failed: bool, file: Path, workspace: Path) -> str | None:
    """Return GitHub's command that shows a comparison beside its line; None where all is well."""
    if outcome.verdict == ABSTAINS and not test_failed:
        kind = "warning"
    elif test_failed and not outcome.passed:
        kind = "error"
    else:
        return None
    path = file.relative_to(workspace).as_posix() if file.is_relative_to(workspace) else str(file)
    place = f"file={_property(path)},line={outcome.line},title={_property(outcome.name)}"
    return f"::{kind} {place}::{_data(outcome.headline)}"


def cut(line: str, width: int | None) -> str:
    """Return a line that fits, cut as pytest cuts its own."""
    return line if width is None or len(line) < width else f"{line[: width - 4]}..."


def _place_in_words(outcome: Outcome) -> str:
    """The headline without the verdict, which stands before it."""
    head, colon, rest = outcome.headline.partition(": ")
    more = head.removeprefix(outcome.verdict).strip()
    return f"{more}: {rest}" if more and colon else rest


def _share(outcome: Outcome) -> str:
    """How many times its limit the decisive tensor is off: 0.35, 557, 4e+09."""
    if outcome.share is None or outcome.verdict == ABSTAINS:
        return "-"
    if outcome.share < 10:
        return f"{outcome.share:.2f}"
    return f"{outcome.share:.0f}" if outcome.share < 1e6 else f"{outcome.share:.1g}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
