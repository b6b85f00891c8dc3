from collections import Counter

import pytest

from models.axes import read_axes
from models.bundle import Bundle
from training.behaviour import SLOT, _fits, read_templates, run
from training.corpus import AXES, LANGUAGES, Corpus

TEMPLATES = read_templates()
KEYS = {
    "minimum": {"axis", "label", "text"},
    "direction": {"change", "axis", "falls", "rises", "text", "other"},
    "invariance": {"change", "text"},
}


def test_every_template_is_whole_and_names_labels_of_its_axis() -> None:
    axes = {axis.name: axis.labels for axis in read_axes(AXES)}
    assert len({template["id"] for template in TEMPLATES}) == len(TEMPLATES)
    for template in TEMPLATES:
        assert template.keys() == KEYS[template["test"]] | {"id", "lang", "test"}, template["id"]
        for key in ("label", "falls", "rises"):
            assert key not in template or template[key] in axes[template["axis"]], template["id"]
        for key in ("text", "other"):
            assert "{" not in SLOT.sub("", template.get(key, "")), template["id"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_there_are_enough_templates_of_every_test_and_change(lang: str) -> None:
    own = [template for template in TEMPLATES if template["lang"] == lang]
    assert len(own) >= 60
    changes = {"negation", "condition", "verb", "names", "quotes", "case", "dateline"}
    changes |= {"ru": {"yo"}, "uk": {"apostrophe"}, "en": set()}[lang]
    counts = Counter(template["change"] for template in own if "change" in template)
    assert counts.keys() == changes
    assert min(counts.values()) >= 5


def test_no_template_stands_in_the_corpus(corpus: Corpus) -> None:
    texts = set(corpus.frame["text"])
    assert not [t["id"] for t in TEMPLATES if t["text"] in texts or t.get("other") in texts]


def test_templates_of_axes_and_labels_that_a_model_does_not_know_are_passed_over(ngram_bundle: Bundle) -> None:
    troops = ngram_bundle.model.axes[0]
    renamed = troops.model_copy(update={"labels": ("for", "against", "neutral")})
    known = {axis: sum(t.get("axis") == axis for t in TEMPLATES) for axis in ("troops", "outlook")}
    assert sum(_fits(t, {"troops": troops}) for t in TEMPLATES if "axis" in t) == known["troops"]
    for template in TEMPLATES:
        named = {template.get(key) for key in ("label", "falls", "rises")} - {None}
        if template.get("axis") == "troops":
            assert _fits(template, {"troops": renamed}) == (named == {"neutral"})


def test_a_changed_text_differs_and_every_slot_is_filled(bundle: Bundle) -> None:
    outcomes = run(bundle.model, TEMPLATES, bundle.model.heads.features.transform)
    assert len(outcomes) == len(TEMPLATES)
    for outcome in outcomes:
        assert not any("{" in text for text in outcome.texts)
        assert len(set(outcome.texts)) == len(outcome.texts), outcome.template["id"]
    passed = Counter(outcome.template["test"] for outcome in outcomes if outcome.passed)
    assert passed["minimum"] > len(TEMPLATES) / 10
    assert passed["invariance"] > len(TEMPLATES) / 10
