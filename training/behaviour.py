"""Behavioural tests of a model: what any reader labels at once, what must not matter, and what must turn an answer.

The templates lie in ``data/behaviour/*.jsonl``, a test a line:

- ``minimum``: ``text`` has the ``label`` on the ``axis``.
- ``direction``: from ``text`` to ``other`` the probability of ``falls`` falls and that of ``rises`` rises.
- ``invariance``: the answer stays when the ``change`` is made to ``text``.

Slots in braces are filled from lists of invented names, countries and numbers.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.axes import Axis
from models.stance import StanceModel
from training.corpus import DATA

FOLDER = DATA / "behaviour"
SLOTS = {
    "ru": {
        "name": ("Андрей Вересов", "Марк Линдаль", "Павел Озеров"),
        "country": ("Италия", "Дания", "Норвегия", "Испания", "Румыния"),
        "city": ("Рим", "Осло", "Мадрид"),
    },
    "uk": {
        "name": ("Андрій Вересов", "Марк Ліндаль", "Павло Озерний"),
        "country": ("Італія", "Данія", "Норвегія", "Іспанія", "Румунія"),
        "city": ("Рим", "Осло", "Мадрид"),
    },
    "en": {
        "name": ("Anna Holm", "Mark Lindahl", "Peter Ostrow"),
        "country": ("Italy", "Denmark", "Norway", "Spain", "Romania"),
        "city": ("Rome", "Oslo", "Madrid"),
    },
}
NUMBERS = ("500", "1500", "2000", "4000")
DATELINES = {"ru": "РИМ, 5 марта. ", "uk": "РИМ, 5 березня. ", "en": "ROME, March 5. "}
FOLDED: dict[str, dict[str, str | int | None]] = {
    "yo": {"ё": "е", "Ё": "Е"},
    "apostrophe": {"’": "'", "ʼ": "'"},
    "quotes": dict.fromkeys("«»“”", '"'),
}
SLOT = re.compile(r"\{(name|country|city|number)\}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold a template, the texts that it became and whether the model passed."""

    template: Mapping[str, Any]
    texts: tuple[str, ...]
    passed: bool


def read_templates(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Read the templates of every language."""
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def run(
    model: StanceModel, templates: Sequence[Mapping[str, Any]], vectors_of: Callable[[Sequence[str]], Any]
) -> list[Outcome]:
    """Put every template to a model; templates of axes or labels that it does not know are passed over.

    ``vectors_of`` gives the vectors of texts that the model's heads answer.
    """
    known = {axis.name: axis for axis in model.axes}
    asked = [template for template in templates if _fits(template, known)]
    texts = [_texts(template) for template in asked]
    answers = model.heads.answers(vectors_of([text for pair in texts for text in pair]), model.axes)
    outcomes, at = [], 0
    for template, pair in zip(asked, texts, strict=True):
        rows = [{name: answers[name][at + i] for name in known} for i in range(len(pair))]
        outcomes.append(Outcome(template, pair, _passed(template, rows, known)))
        at += len(pair)
    return outcomes


def rates(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """Return the share passed by test and language."""
    found: dict[str, dict[str, list[bool]]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.template["test"], {}).setdefault(outcome.template["lang"], []).append(outcome.passed)
    return {
        test: {lang: round(sum(passed) / len(passed), 4) for lang, passed in sorted(by_language.items())}
        for test, by_language in sorted(found.items())
    }


def _fits(template: Mapping[str, Any], axes: Mapping[str, Axis]) -> bool:
    if "axis" not in template:
        return True
    labels = axes[template["axis"]].labels if template["axis"] in axes else ()
    return all(template[key] in labels for key in ("label", "falls", "rises") if key in template)


def _passed(template: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], axes: Mapping[str, Axis]) -> bool:
    if template["test"] == "invariance":
        return all(rows[0][name].argmax() == rows[1][name].argmax() for name in axes)
    axis = axes[template["axis"]]
    here = [row[axis.name] for row in rows]
    if template["test"] == "minimum":
        return bool(axis.labels[here[0].argmax()] == template["label"])
    falls, rises = (axis.labels.index(template[key]) for key in ("falls", "rises"))
    return bool(here[1][falls] < here[0][falls] and here[1][rises] > here[0][rises])


def _texts(template: Mapping[str, Any]) -> tuple[str, ...]:
    lang, text = template["lang"], template["text"]
    first = _filled(text, lang, 0)
    if template["test"] == "minimum":
        return (first,)
    if template["test"] == "direction":
        return first, _filled(template["other"], lang, 0)
    return first, _changed(template["change"], text, first, lang)


def _filled(text: str, lang: str, which: int) -> str:
    """Fill the slots of a template; another number gives other names, and no two slots of a text the same."""
    used: dict[str, int] = {}

    def value(slot: re.Match[str]) -> str:
        kind = slot[1]
        values = NUMBERS if kind == "number" else SLOTS[lang][kind]
        place = used[kind] = used.get(kind, -1) + 1
        return values[(which + place) % len(values)]

    return SLOT.sub(value, text)


def _changed(change: str, template: str, text: str, lang: str) -> str:
    """Make the change that must not matter."""
    if change == "names":
        return _filled(template, lang, 1)
    if change == "case":
        return text.upper()
    if change == "dateline":
        return DATELINES[lang] + text
    return text.translate(str.maketrans(FOLDED[change]))
