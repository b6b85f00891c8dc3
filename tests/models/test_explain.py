from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bundle import RELEASED, Bundle, load_bundle
from models.errors import ExplainUnavailable
from models.heads import linear
from models.stance import StanceModel


@cache
def released() -> StanceModel:
    return load_bundle(RELEASED).model


TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [
                "«Нет",
                "войскам»,",
                "Пам’ять",
                "&nbsp;",
                "&amp;",
                "в\u00adійна",
                "1,5",
                "—",
                "…",
                "\n",
                "e\u0301t",
                "ﬁn",
                "а" + "\u0316\u0301" * 40,
            ]
        ),
        max_size=12,
    ).map(" ".join),
)


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_weights_sum_to_the_logit_less_the_bias_and_words_stand_where_they_say(text: str) -> None:
    model = released()
    [explained] = model.predict([text], explain=True)
    [plain] = model.predict([text])
    vector = model.heads.features.transform([text])
    for axis in model.axes:
        stance = explained.stances[axis.name]
        for label, probability in plain.stances[axis.name].probabilities.items():
            assert stance.probabilities[label] == pytest.approx(probability, abs=1e-5)
        assert stance.words is not None
        end = 0
        for word in stance.words:
            assert text[word.start : word.end] == word.text
            assert end <= word.start < word.end
            end = word.end
        if stance.words:
            head = linear(model.heads.estimators[axis.name], axis)
            place = axis.labels.index(stance.label)
            logit = head.logits(vector)[0, place]
            assert sum(word.weight for word in stance.words) == pytest.approx(logit - head.bias[place], abs=1e-4)


def test_words_are_those_of_the_text() -> None:
    [prediction] = released().predict(["  «Ми не пошлемо&nbsp;військ», —\nсказав він."], explain=True)
    words = prediction.stances["troops"].words
    assert words is not None
    assert [word.text for word in words] == ["«Ми", "не", "пошлемо", "військ»,", "—", "сказав", "він."]


def test_words_stand_where_they_say_beside_more_marks_than_are_read() -> None:
    text = "Ми не" + "\u0301\u0316" * 40 + " пошлемо&#769;" + "&#790;" * 40 + " військ."
    [prediction] = released().predict([text], explain=True)
    words = prediction.stances["troops"].words
    assert words is not None
    assert [word.text for word in words] == text.split()
    assert [text[word.start : word.end] for word in words] == text.split()


def test_a_text_without_words_has_none_to_explain() -> None:
    assert released().predict([" "], explain=True)[0].stances["troops"].words == ()


def test_n_grams_explain_nothing(ngram_bundle: Bundle) -> None:
    with pytest.raises(ExplainUnavailable, match="n-grams"):
        ngram_bundle.model.predict(["Нет войскам в Украине."], explain=True)


def test_an_answer_does_not_depend_on_what_is_beside_it() -> None:
    texts = ["Нет войскам.", "The talks end on Friday, he said, and nobody expects a deal. " * 5, "Угоду підпишуть."]
    together = released().heads.features.transform(texts)
    alone = np.vstack([released().heads.features.transform([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
