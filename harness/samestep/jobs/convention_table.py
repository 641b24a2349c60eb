"""Makes the table of conventions: chooses the questions, surveys the frameworks, adds what is declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from samestep.catalog.catalog import Catalog
from samestep.conventions.ask import every_question, matching_questions
from samestep.conventions.ports.pitfall import PORT_TOPICS
from samestep.conventions.questions import TOPICS, Question
from samestep.conventions.symptoms import find_by_words
from samestep.errors import SamestepError
from samestep.jobs.survey import FrameworkAnswers, Survey
from samestep.measure.hardware import cpu_name
from samestep.records.convention_document import FAILURE, ConventionRow, ConventionTable, FrameworkState


@dataclass(frozen=True)
class Selection:
    """The questions that are meant, by ``topic/name``, and the words of a symptom that none of them has."""

    questions: Mapping[str, Question]
    left_over: Sequence[str] = ()


def select_questions(asked: Sequence[str]) -> Selection:
    """Return the questions that match any of the globs ``asked``, else those that speak of its words.

    All questions where nothing is asked. Raises SamestepError where nothing matches; the message names the
    nearest questions.
    """
    try:
        return Selection(matching_questions(tuple(asked)))
    except LookupError as error:
        every = every_question()
        keys, left_over = find_by_words(asked)
        if keys:
            return Selection({key: every[key] for key in keys}, left_over)
        near = get_close_matches(str(error), [*every, *(key.split("/")[1] for key in every)])
        topics = f"topics are {', '.join((*TOPICS, *PORT_TOPICS))}; `samestep conventions` has all"
        hint = f"did you mean {' or '.join(near)}?" if near else topics
        raise SamestepError(f"{' '.join(asked)} matches no question; {hint}") from None


def make_table(survey: Survey, questions: Mapping[str, Question]) -> ConventionTable:
    """Run the survey, which has the same questions, and return its answers as a table."""
    surveyed = survey.run()
    rows = [_row(survey.catalog, key, question, surveyed) for key, question in questions.items()]
    frameworks = {
        name: FrameworkState(one.version, one.missing, one.libraries) for name, one in surveyed.items()
    }
    return ConventionTable(rows, frameworks, cpu_name())


def _row(
    catalog: Catalog, key: str, question: Question, surveyed: Mapping[str, FrameworkAnswers]
) -> ConventionRow:
    installed = {name: one for name, one in surveyed.items() if not one.missing}
    failed = [name for name, one in installed.items() if key in one.failed]
    answers = {
        name: f"{FAILURE}{one.failed[key]}" if name in failed else one.answers[key]
        for name, one in installed.items()
    }
    return ConventionRow(
        question=question.text,
        answers=answers,
        declared=declared_answer(catalog, question),
        link=next(iter(question.links.values()), None),
        name=key,
        topic=key.partition("/")[0],
        links=dict(question.links),
        failed=failed,
    )


def declared_answer(catalog: Catalog, question: Question) -> object:
    """Return the answer that the workloads' specs declare; a list where they differ, None without one."""
    specs = (catalog.spec(workload) for workload in catalog.workloads)
    texts = dict.fromkeys(
        spec.conventions[question.convention] for spec in specs if question.convention in spec.conventions
    )
    answers = [question.means.get(text, text) for text in texts]
    return answers[0] if len(answers) == 1 else answers or None
