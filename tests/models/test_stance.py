from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bundle import Bundle
from models.stance import Prediction

UNICODE = st.text(st.characters(), max_size=200)
FEW = settings(max_examples=60, deadline=None)


Predict = Callable[[list[str]], list[Prediction]]


@pytest.fixture(scope="module")
def predict(bundle: Bundle) -> Predict:
    """The model as a plain function, for hypothesis writes out every argument of an example."""
    return lambda texts: bundle.model.predict(texts)


@FEW
@given(text=UNICODE)
def test_any_text_gets_probabilities_that_sum_to_one_and_the_most_probable_label(predict: Predict, text: str) -> None:
    [prediction] = predict([text])
    assert set(prediction.stances) == {"troops", "outlook"}
    for stance in prediction.stances.values():
        assert abs(sum(stance.probabilities.values()) - 1) < 1e-6  # float32
        assert stance.label == max(stance.probabilities, key=stance.probabilities.__getitem__)
        assert stance.confidence == stance.probabilities[stance.label]
        assert stance.certain == (stance.reason is None)


@FEW
@given(texts=st.lists(UNICODE, max_size=8))
def test_a_batch_equals_singles_in_order(predict: Predict, texts: list[str]) -> None:
    for together, text in zip(predict(texts), texts, strict=True):
        [alone] = predict([text])
        assert together.language == alone.language
        for axis, stance in together.stances.items():
            # The design allows 1e-5: where two labels are nearer than that, either may come first.
            assert stance.probabilities == pytest.approx(alone.stances[axis].probabilities, abs=1e-5)
            assert stance.confidence == pytest.approx(alone.stances[axis].confidence, abs=1e-5)


def test_reasons_come_in_the_order_of_the_design(bundle: Bundle) -> None:
    texts = ["Wojska nie", "Minister obrony powiedział, że polskie wojska nie pojadą na Ukrainę."]
    reasons = [p.stances["troops"].reason for p in bundle.model.predict(texts)]
    assert reasons == ["too_short", "unsupported_language"]


LONG = "The minister said that talks resume on Friday. " * 60


@pytest.mark.parametrize("explain", [False, True])
def test_a_text_whose_end_is_not_read_is_not_certain(bundle: Bundle, explain: bool) -> None:
    texts = ["Переговоры продлятся до пятницы, сообщил министр. " * 5, LONG, "Powiedział, że nie pojadą. " * 200]
    short, long, foreign = bundle.model.predict(texts, explain)
    assert {stance.reason for stance in short.stances.values()} <= {None, "low_confidence"}
    assert [(s.certain, s.reason) for s in long.stances.values()] == [(False, "too_long")] * 2
    assert [s.reason for s in foreign.stances.values()] == ["unsupported_language"] * 2


def test_n_grams_read_a_text_to_its_end(ngram_bundle: Bundle) -> None:
    [prediction] = ngram_bundle.model.predict([LONG])
    assert {stance.reason for stance in prediction.stances.values()} <= {None, "low_confidence"}


def test_a_confidence_under_the_threshold_abstains_and_keeps_its_label(bundle: Bundle) -> None:
    model = bundle.model
    predictions = model.predict([f"Переговоры номер {n} прошли в столице, сообщил министр." for n in range(20)])
    for axis in model.axes:
        for prediction in predictions:
            stance = prediction.stances[axis.name]
            assert (stance.reason == "low_confidence") == (stance.confidence < model.thresholds[axis.name])


def test_no_text_gives_no_prediction(bundle: Bundle) -> None:
    assert bundle.model.predict([]) == []
