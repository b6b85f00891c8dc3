import pandas as pd
import pytest

from models.bundle import Bundle
from models.errors import TableError
from models.table import columns, score_table

TEXTS = ["Уряд готовий направити миротворців до України.", None, "  ", "No soldiers will be sent to Ukraine."]


def test_all_columns_stay_and_the_table_form_is_added(bundle: Bundle) -> None:
    table = pd.DataFrame({"date": [1, 2, 3, 4], "text": TEXTS}, index=[7, 5, 5, 1])
    scored = score_table(bundle.model, table)
    assert list(scored.columns) == ["date", "text", *columns(bundle.model.axes)]
    assert list(scored.index) == [7, 5, 5, 1]
    assert scored["stance_error"].tolist()[1:3] == ["blank_text", "blank_text"]
    assert scored["stance_troops"].isna().tolist() == [False, True, True, False]
    assert (scored["stance_version"] == bundle.manifest.version).all()
    expected = bundle.model.predict([TEXTS[0], TEXTS[3]])
    assert scored["stance_troops_confidence"].dropna().tolist() == pytest.approx(
        [p.stances["troops"].confidence for p in expected]
    )


def test_the_columns_of_an_axis_are_those_of_the_design(bundle: Bundle) -> None:
    assert columns(bundle.model.axes[:1]) == [
        "stance_language",
        "stance_version",
        "stance_error",
        "stance_troops",
        "stance_troops_confidence",
        "stance_troops_certain",
        "stance_troops_reason",
        "stance_troops_p_pro",
        "stance_troops_p_anti",
        "stance_troops_p_neutral",
    ]


def test_a_missing_text_column_and_a_name_clash_are_errors(bundle: Bundle) -> None:
    with pytest.raises(TableError, match="no column 'body'; there are: text"):
        score_table(bundle.model, pd.DataFrame({"text": ["a"]}), "body")
    with pytest.raises(TableError, match="stance_troops"):
        score_table(bundle.model, pd.DataFrame({"text": ["a"], "stance_troops": ["b"]}))


def test_an_empty_table_gains_the_columns(bundle: Bundle) -> None:
    assert list(score_table(bundle.model, pd.DataFrame({"text": []})).columns) == ["text", *columns(bundle.model.axes)]
