import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.bundle import RELEASED, Bundle
from models.encoder import FILES, Encoder, prepared
from models.errors import EncoderError
from models.text import normalise
from tests.conftest import ROOT


def test_the_encoder_that_ships_takes_35_megabytes_at_most() -> None:
    assert sum((RELEASED / name).stat().st_size for name in FILES[:2]) <= 35_000_000


def test_a_folder_without_an_encoder_and_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="finetune"):
        Encoder.read(tmp_path)
    with pytest.raises(EncoderError, match=r"encoder\.onnx: not of an encoder"):
        Encoder(b"graph", b"tokenizer")


def test_the_runtime_keeps_nothing_to_tell_its_maker(tmp_path: Path) -> None:
    code = "from models.bundle import RELEASED; from models.encoder import Encoder; Encoder.read(RELEASED)"
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **homes}, cwd=ROOT, check=True)
    assert list(tmp_path.iterdir()) == []


def test_capitals_throughout_are_read_as_small_letters_in_the_same_places() -> None:
    assert prepared("РИМ НЕ  ПОШЛЕТ «СОЛДАТ»") == 'Рим не пошлет "солдат"'
    for text in ("Rome sends NATO troops", "ANKARA İLE", "1,5", ""):
        assert prepared(text) == normalise(text)


def test_what_utf8_cannot_write_is_read_as_unknown_in_its_place() -> None:
    assert prepared("Нет\ud800 войскам\x00.") == "Нет\ufffd войскам\ufffd."
    vectors = Encoder.read(RELEASED).transform(["\ud800", "\x00", "Нет\udfff войскам."])
    assert np.isfinite(vectors).all()


def test_capitals_throughout_change_no_answer(bundle: Bundle) -> None:
    text = "Рим не пошлет солдат в Украину"
    [small], [capital] = bundle.model.predict([text]), bundle.model.predict([text.upper()])
    assert capital.stances["troops"].label == small.stances["troops"].label == "anti"


def test_a_bundle_over_an_encoder_pickles_no_encoder(bundle: Bundle) -> None:
    assert (bundle.path / "heads.joblib").stat().st_size < 200_000
    with pytest.raises(TypeError):
        pickle.dumps(bundle.model.heads.features)
