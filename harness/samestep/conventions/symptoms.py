"""Finds questions and pitfalls by the words of a symptom."""

from __future__ import annotations

import re
from collections.abc import Sequence

from samestep.conventions.ask import every_question, pitfall_of
from samestep.conventions.ports.pitfall import MATCHED, pitfalls

#: Words that say that something is wrong, and not what.
IDLE = frozenset(
    re.findall(
        r"\w+",
        "a after agree agrees an and are at between by code different differ differs do does from give gives "
        "has have how i in is it its layer layers match matches mismatch model my not of off on or other "
        "output outputs port result results same than that the their them they to too two versus vs weights "
        "what when where why with wrong",
    )
)


def words_of(text: str) -> list[str]:
    """Return the words of a symptom that say something, in lower case; all of them where none does."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return [word for word in words if word not in IDLE] or words


def find_by_words(query: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the keys of the questions that speak of most of the words, best first, and the words left over.

    A word is found inside longer ones: conv in ConvTranspose2d. Names and titles count more than symptoms,
    and symptoms more than causes; what speaks of the words only in passing is left out. No keys where less
    than half of the words are found in one place.
    """
    words = list(dict.fromkeys(words_of(" ".join(query))))
    found: dict[str, dict[str, int]] = {}
    every, about = every_question(), pitfalls()
    for key, texts in _texts().items():
        each = {word: _weight(word, texts) for word in words}
        found[key] = {word: weight for word, weight in each.items() if weight}
    most = max(map(len, found.values()))
    if not words or 2 * most < len(words):
        return [], words
    weights = {key: sum(one.values()) for key, one in found.items() if len(one) == most}
    best = [key for key in weights if 2 * weights[key] > max(weights.values())]
    best.sort(key=lambda key: (-weights[key], key not in about))
    known = set().union(*(found[key] for key in best))
    keys = [one for key in best for one in (key, key + MATCHED) if one in every]
    return keys, [word for word in words if word not in known]


def _texts() -> dict[str, tuple[str, ...]]:
    """What is searched, by question: names and titles first, then symptoms, then causes; in lower case."""
    about = pitfalls()
    texts = {
        key: (f"{key} {question.text}", " ".join(question.symptoms))
        for key, question in every_question().items()
        if pitfall_of(key) == key
    }
    return {
        key: tuple(text.lower() for text in (*two, about[key].cause if key in about else ""))
        for key, two in texts.items()
    }


def _weight(word: str, texts: Sequence[str]) -> int:
    stem = word.removesuffix("s") if len(word) > 3 else word
    return next((len(texts) - place for place, text in enumerate(texts) if stem in text), 0)
