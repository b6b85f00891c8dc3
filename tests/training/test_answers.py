from collections.abc import Sequence

from models.bundle import Bundle
from models.stance import Prediction
from models.table import Row, scored, texts
from training.answers import Answers


class Counting:
    """A real model that notes what it is asked."""

    def __init__(self, bundle: Bundle) -> None:
        self.model, self.asked, self.version = bundle.model, list[str](), bundle.model.version

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        self.asked += texts
        return self.model.predict(texts)


def test_each_distinct_text_is_answered_once_and_every_row_as_without_memory(ngram_bundle: Bundle) -> None:
    counting = Counting(ngram_bundle)
    batches = [[Row({"text": f"Statement {n % 7} about the talks."}) for n in range(at, at + 10)] for at in (0, 5, 40)]
    batches[1].insert(3, Row({"text": ""}, "blank_text"))
    with Answers(counting) as answers:  # type: ignore[arg-type]
        for rows in batches:
            expected = scored(ngram_bundle.model.version, rows, ngram_bundle.model.predict(texts(rows)))
            assert answers.added(rows, "text") == expected
        assert answers.added([], "text") == []
    assert len(counting.asked) == len(set(counting.asked)) == 7
