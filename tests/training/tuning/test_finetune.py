import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from onnx import helper
from tokenizers import Tokenizer, models
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from models.axes import Axis, read_axes
from models.bundle import RELEASED, load_bundle, read_manifest
from models.encoder import FILES, Encoder
from models.errors import EncoderError, TrainingError
from models.text import digest
from tests.conftest import ROOT, run
from training.corpus import AXES, GOLD, Corpus, read_corpus
from training.ground import encoder_record
from training.tuning.base import read_base
from training.tuning.finetune import FURTHER, STUDENT_LOSS, _best, _cut, _smaller, finetune
from training.tuning.graph import IR, OPSET
from training.tuning.learn import RATE, Figures, fresh
from training.tuning.network import Network, answers, token_ids


@pytest.fixture(scope="module")
def plain(corpus: Corpus, few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write texts alone: thirty that are none of the few, one that is, and one of the outside check."""
    file = tmp_path_factory.mktemp("plain") / "plain.csv"
    known = {json.loads(line)["text"] for line in few.read_text().splitlines()}
    other = [text for text in corpus.frame["text"] if text not in known][:30]
    held = json.loads(GOLD.read_text(encoding="utf-8").splitlines()[0])["text"]
    pd.DataFrame({"text": [*other, sorted(known)[0], held, other[0]]}).to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def few(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write every tenth short first telling of the corpus; of short texts a step takes half the time."""
    file = tmp_path_factory.mktemp("few") / "few.jsonl"
    short = corpus.frame[~corpus.frame["id"].str.startswith("t-") & (corpus.frame["text"].str.len() < 100)]
    rows = short.iloc[::10].drop(columns=["digest", "part"])
    file.write_text("".join(json.dumps({k: v for k, v in row.items() if v}) + "\n" for row in rows.to_dict("records")))
    return file


def test_an_encoder_is_tuned_killed_taken_up_again_and_fitted_on(few: Path, plain: Path, tmp_path: Path) -> None:
    encoders = tmp_path / "encoders"
    words = ["training", "finetune", "--data", str(few), "--epochs", "2", "--seeds", "2", "--layers", "2"]
    words += ["--unlabelled", str(plain)]
    started = subprocess.Popen(
        [sys.executable, "-m", *words, "--out", str(encoders)], cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL
    )
    while not list(encoders.glob(".working-*/seed-0.pt")):
        assert started.poll() is None
        time.sleep(0.2)
    started.send_signal(signal.SIGKILL)
    started.wait()
    assert not [folder for folder in encoders.iterdir() if not folder.name.startswith(".")]

    again = run(*words, "--out", str(encoders))
    assert again.returncode == 0, again.stderr
    assert "taken up at step" in again.stdout
    told = " ".join((again.stdout + again.stderr).split())
    assert "30 unlabelled texts, those that stand in the corpus or in gold-dev left out" in told
    for proof in ("on the worse axis: ", "a batch change a vector by: ", "bytes: "):
        assert proof in told
    assert "at most 1e-05 is meant" in told
    assert "at most 3.5e+07 is meant" in told
    [encoder] = encoders.iterdir()  # nothing else is left
    record = json.loads((encoder / "encoder.json").read_bytes())
    taught = {f"{what}, 30 unlabelled texts beside" for what in ("taught by all seeds", "student of 2 layers")}
    tried = {"seed 0", "seed 1", "average", "exported"} | taught
    assert record["held_out"].keys() == tried
    assert record["layers"] in (2, 12)  # the student takes its teacher's place where it holds

    fitted = run(
        "training", "fit", "--data", str(few), "--encoder", str(encoder), "--no-track", "--store", str(tmp_path)
    )
    assert fitted.returncode == 0, fitted.stderr
    [bundle] = [folder for folder in tmp_path.iterdir() if (folder / "manifest.json").exists()]
    loaded = load_bundle(bundle)
    assert loaded.manifest.features == "encoder"
    seen, heads, exam = (set(loaded.manifest.texts[part]) for part in ("encoder", "heads", "exam"))
    assert seen == set(record["seen"])
    other = pd.read_csv(plain)["text"].iloc[:30]
    assert {digest(text) for text in other} <= seen
    assert not seen & heads
    assert not (seen | heads) & exam


def test_a_bundle_teaches_an_encoder(few: Path, tmp_path: Path) -> None:
    words = ["--data", str(few), "--epochs", "1", "--seeds", "1", "--teacher", str(RELEASED)]
    printed = run("training", "finetune", *words, "--out", str(tmp_path))
    assert printed.returncode == 0, printed.stderr
    assert "held-out rows taught the teachers, so the figures on them flatter" in " ".join(printed.stderr.split())
    [encoder] = tmp_path.iterdir()
    record = json.loads((encoder / "encoder.json").read_bytes())
    assert 0 < record["held_out_known"] <= record["held_out_rows"]
    version = read_manifest(RELEASED).version
    assert record["held_out"].keys() == {f"seed 0, taught by {version}", "exported"}


def test_the_encoder_of_a_bundle_learns_further_and_is_chosen_by_rows_new_to_it(few: Path, tmp_path: Path) -> None:
    before = encoder_record(RELEASED)
    words = ["--data", str(few), "--epochs", "1", "--seeds", "1", "--base", str(RELEASED)]
    with subprocess.Popen(
        [sys.executable, "-m", "training", "finetune", *words, "--out", str(tmp_path)], cwd=ROOT
    ) as run:
        while not (checkpoints := list(tmp_path.glob(".working-*/seed-0.pt"))):
            assert run.poll() is None
            time.sleep(0.1)
        groups = torch.load(checkpoints[0], weights_only=True)["optimiser"]["param_groups"]
        assert max(group["initial_lr"] for group in groups[1:]) == RATE * FURTHER  # the first is of the heads
    assert run.returncode == 0
    [encoder] = tmp_path.iterdir()
    record = encoder_record(encoder)
    assert (record.base, record.licence) == (before.base, before.licence)
    assert record.held_out.keys() == {f"seed 0, further from {read_base(str(RELEASED)).further}", "exported"}
    assert set(record.seen) > set(before.seen)
    rows = read_corpus([few], read_axes(AXES)).part("encoder")
    held = rows[~rows["digest"].isin(record.seen)]
    assert len(held) == record.held_out_rows
    assert not set(held["group"]) & set(rows["group"][rows["digest"].isin(record.seen)])
    texts = rows["text"].tolist()[:60]
    begun, tuned = (Encoder.read(folder).transform(texts)[:, : record.hidden] for folder in (RELEASED, encoder))
    likeness = np.corrcoef((begun - begun.mean(0)).ravel(), (tuned - tuned.mean(0)).ravel())[0, 1]
    assert 0.5 < likeness < 0.999  # it has kept what it knew, and learnt


def test_an_encoder_that_has_seen_all_groups_does_not_learn_further(corpus: Corpus, tmp_path: Path) -> None:
    known = corpus.frame["digest"].isin(encoder_record(RELEASED).seen)
    with pytest.raises(TrainingError, match="has learnt from all groups of part encoder but 0"):
        finetune(replace(corpus, frame=corpus.frame[known]), str(RELEASED), 1, 1, None, [], [], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_teacher_that_lacks_an_axis_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    tone = Axis(name="tone", labels=("warm", "cold"), neutral="cold", description="How warm.")
    other = replace(corpus, axes=(*corpus.axes, tone), frame=corpus.frame.assign(tone="warm"))
    with pytest.raises(TrainingError, match=r"cannot teach tone \(warm, cold\); fit a model on this corpus"):
        finetune(other, None, 1, 1, None, [load_bundle(RELEASED)], [], tmp_path)


def test_unlabelled_texts_that_nobody_teaches_are_refused(few: Path, plain: Path, tmp_path: Path) -> None:
    words = ["--data", str(few), "--seeds", "1", "--unlabelled", str(plain)]
    printed = run("training", "finetune", *words, "--out", str(tmp_path))
    assert printed.returncode == 1
    assert "name a --teacher, --layers or more --seeds" in " ".join(printed.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_base_weights_are_read_from_a_folder_in_the_layout_of_transformers(tmp_path: Path, corpus: Corpus) -> None:
    base = read_base()
    base.network.save_pretrained(tmp_path)
    PreTrainedTokenizerFast(tokenizer_object=base.tokenizer).save_pretrained(tmp_path)
    again = read_base(str(tmp_path))
    texts = corpus.frame["text"].iloc[::2000].tolist()
    found = [
        answers(Network(one.network, corpus.axes), token_ids(one.tokenizer, texts), "")["vectors"]
        for one in (base, again)
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


@pytest.mark.parametrize("near", [False, True])
def test_a_graph_that_fine_tuning_did_not_build_is_refused(near: bool, tmp_path: Path) -> None:
    for name in FILES[1:]:
        (tmp_path / name).write_bytes((RELEASED / name).read_bytes())
    onnx.save(_computed() if near else _other(), tmp_path / FILES[0])
    with pytest.raises(EncoderError, match="not built by `training finetune`"):
        read_base(str(tmp_path))


def _computed() -> onnx.ModelProto:
    """Return the graph that ships, its positions given by a node in place of a constant."""
    model = onnx.load(RELEASED / FILES[0])
    [place] = [node.input[0] for node in model.graph.node if node.op_type == "Slice"]
    [positions] = [constant for constant in model.graph.initializer if constant.name == place]
    model.graph.node.insert(0, helper.make_node("Constant", [], [place], value=positions))
    model.graph.initializer.remove(positions)
    return model


def _other() -> onnx.ModelProto:
    ids = helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["texts", "tokens"])
    same = helper.make_tensor_value_info("same", onnx.TensorProto.INT64, ["texts", "tokens"])
    graph = helper.make_graph([helper.make_node("Identity", ["ids"], ["same"])], "other", [ids], [same])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def test_a_bundle_of_ngrams_is_no_base(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").touch()
    with pytest.raises(EncoderError, match="a bundle without an encoder"):
        read_base(str(tmp_path))


def test_a_student_no_smaller_than_the_base_is_refused(few: Path, tmp_path: Path) -> None:
    printed = run("training", "finetune", "--data", str(few), "--layers", "12", "--out", str(tmp_path))
    assert printed.returncode == 1
    assert "a student of 12 layers is no smaller than" in printed.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("lost", "held"), [(STUDENT_LOSS - 1e-3, True), (STUDENT_LOSS + 1e-3, False)])
def test_a_student_takes_its_teachers_place_where_it_loses_little_on_every_axis(
    lost: float, held: bool, corpus: Corpus
) -> None:
    base, rows = read_base(), corpus.part("encoder").head(24)
    teacher = fresh(base, corpus.axes, 0)
    small = _cut(base, teacher.state_dict(), 2)
    taught = fresh(small, corpus.axes, 1).state_dict()
    _, known = _best(small, {"student": taught}, rows, corpus.axes)
    first, *rest = known["student"].macro_f1.items()
    tried = {"seed 0": Figures(dict([(first[0], first[1] + lost), *((name, value + 1e-4) for name, value in rest)]))}
    found = _smaller(small, taught, teacher, rows, corpus.axes, tried, "")
    assert found.bert.config.num_hidden_layers == (2 if held else 12)
    assert tried.keys() == {"seed 0", "student of 2 layers"}


@pytest.mark.parametrize("wrong", [{"hidden_size": 24}, {"hidden_act": "gelu_new"}, {}])
def test_base_weights_that_could_not_be_exported_are_refused_before_anything_is_learnt(
    wrong: dict[str, object], tmp_path: Path
) -> None:
    size = {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 64, "num_hidden_layers": 1}
    BertModel(BertConfig(vocab_size=5, **{**size, **wrong}), add_pooling_layer=False).save_pretrained(tmp_path)
    pieces = ["<s>", "</s>", "<pad>", "<unk>", "a"]
    unigram = models.Unigram([(piece, -1.0) for piece in pieces], unk_id=3)
    words = models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>")  # noqa: S106 (no password)
    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(unigram if wrong else words)).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="the encoder is built for Unigram, multiples of 32 and gelu only"):
        read_base(str(tmp_path))


def test_other_weights_under_one_name_are_told_apart(tmp_path: Path) -> None:
    base = read_base()
    found = []
    for shift in (0.0, 1e-3):
        with torch.no_grad():
            base.network.encoder.layer[0].output.dense.bias.add_(shift)
        base.network.save_pretrained(tmp_path)
        PreTrainedTokenizerFast(tokenizer_object=base.tokenizer).save_pretrained(tmp_path)
        found.append(read_base(str(tmp_path)))
    assert found[0].name == found[1].name
    assert found[0].digest != found[1].digest


def test_base_weights_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="cannot read base weights"):
        read_base(str(tmp_path))
