"""Fine-tune the encoder on part ``encoder`` of a corpus and write it in eight bits. Needs the extra ``finetune``."""

import hashlib
import json
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupShuffleSplit

from models.axes import Axis
from models.encoder import Encoder
from models.errors import StoreError, TrainingError
from models.manifest import EncoderRecord
from training import report
from training.corpus import Corpus
from training.tuning.base import Base, read_base
from training.tuning.graph import build, write_encoder
from training.tuning.network import BATCH, Network, answers, batches, token_ids
from training.tuning.vocabulary import prune

HELD_OUT = 0.1
"""Share of the groups of part ``encoder`` on which choices are made; the encoder never sees them."""
RATE, HEAD_RATE, BETAS, DECAY = 1.5e-4, 1e-3, (0.9, 0.98), 0.01
SMOOTHING, CLIP, WARM_UP = 0.05, 1.0, 0.1
CHECKPOINT = 200
"""Steps after which, as at the end of an epoch, what was learnt is put on disk: two minutes of work on two cores."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Hold rows to learn from or to choose by: token ids, and per axis the place of the label, -100 where none is."""

    ids: list[list[int]]
    labels: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold macro-F1 an axis on the held-out groups."""

    macro_f1: Mapping[str, float]

    @property
    def mean(self) -> float:
        """Return the mean over the axes, by which epochs and averages are chosen."""
        return float(np.mean(list(self.macro_f1.values())))


def finetune(corpus: Corpus, source: str | None, seeds: int, epochs: int, out: Path) -> Path:
    """Fine-tune, average the seeds' weights, prune, quantise, measure each step; return the folder of the encoder.

    A run that was cut short goes on from its last checkpoint when it is started again with the same corpus and
    parameters.

    Raises:
        TrainingError: part ``encoder`` has too few groups to hold some out.
        EncoderError: the base weights cannot be read.
        StoreError: the encoder cannot be written.
    """
    rows = corpus.part("encoder").reset_index(drop=True)
    if rows["group"].nunique() < 2 / HELD_OUT:
        raise TrainingError(f"part encoder has {rows['group'].nunique()} groups, too few to fine-tune on; label more")
    seen, held = next(
        GroupShuffleSplit(1, test_size=HELD_OUT, random_state=0).split(rows, groups=rows["group"].to_numpy())
    )
    seen_rows, held_rows = rows.iloc[seen], rows.iloc[held]
    base = read_base(source)
    key = json.dumps([corpus.record.digest, base.name, epochs, RATE, HEAD_RATE, BATCH])
    work = out / f".working-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    try:
        work.mkdir(parents=True, exist_ok=True)
        learnt = [learn(base, seen_rows, held_rows, corpus.axes, seed, epochs, work) for seed in range(seeds)]
        network, tried = _averaged(base, learnt, held_rows, corpus.axes)
        folder = _export(base, network, seen_rows, held_rows, corpus, tried, out)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror}); free space there, then go on") from error
    shutil.rmtree(work)
    return folder


def tokenised(base: Base, frame: pd.DataFrame, axes: Sequence[Axis]) -> Rows:
    """Turn rows into what a network learns from or is measured by."""
    labels = {
        axis.name: np.array([axis.labels.index(label) if label else -100 for label in frame[axis.name]])
        for axis in axes
    }
    return Rows(token_ids(base.tokenizer, frame["text"].tolist()), labels)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _half(device: torch.device) -> bool:
    """Say whether the processor multiplies in bfloat16; where it does not, bfloat16 is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def fresh(base: Base, axes: Sequence[Axis], seed: int, device: torch.device) -> Network:
    """Make a network of the base weights, its heads drawn anew by the seed."""
    torch.manual_seed(seed)
    bert = type(base.network)(base.network.config, add_pooling_layer=False)
    bert.load_state_dict(base.network.state_dict())
    return Network(bert, axes).to(device)


def _optimiser(network: Network, steps: int) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]:
    trained = [p for p in network.bert.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.dim() > 1], "lr": RATE, "weight_decay": DECAY},
            {"params": [p for p in trained if p.dim() == 1], "lr": RATE, "weight_decay": 0.0},
            {"params": list(network.heads.parameters()), "lr": HEAD_RATE, "weight_decay": 0.0},
        ],
        betas=BETAS,
    )
    warm = max(1, int(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    return optimiser, schedule


def learn(
    base: Base, seen: pd.DataFrame, held: pd.DataFrame, axes: Sequence[Axis], seed: int, epochs: int, work: Path
) -> dict[str, torch.Tensor]:
    """Fine-tune one seed, going on from a checkpoint where one lies.

    Returns the weights of the epoch that did best on the rows ``held``, of the last one where there are none.
    """
    device = _device()
    network = fresh(base, axes, seed, device)
    rows, chosen_by = tokenised(base, seen, axes), tokenised(base, held, axes)
    lengths = [len(row) for row in rows.ids]
    steps = epochs * -(-len(lengths) // BATCH)
    optimiser, schedule = _optimiser(network, steps)
    loss_of = torch.nn.CrossEntropyLoss(ignore_index=-100, label_smoothing=SMOOTHING)
    file = work / f"seed-{seed}.pt"
    step, best, best_mean = 0, _light(network), -1.0
    if file.exists():
        saved = torch.load(file, map_location=device, weights_only=True)
        network.load_state_dict(saved["network"], strict=False)
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        torch.set_rng_state(saved["random"].cpu())
        step, best, best_mean = saved["step"], saved["best"], saved["best_mean"]
        report.out.print(f"seed {seed}: taken up at step {step} of {steps}")
    half = _half(device)
    with _progress() as progress:
        task = progress.add_task(f"seed {seed}", total=steps, completed=step)
        for epoch in range(epochs):
            order = list(batches(lengths, random.Random(f"{seed} {epoch}")))  # noqa: S311 (an order, no secret)
            for at, batch in enumerate(order, epoch * len(order)):
                if at < step:
                    continue
                network.train()
                with torch.autocast(device.type, torch.bfloat16, enabled=half):
                    logits = network([rows.ids[i] for i in batch], device)
                loss = torch.stack(
                    [
                        loss_of(
                            logits[axis.name].float(), torch.as_tensor(rows.labels[axis.name][batch], device=device)
                        )
                        for axis in axes
                        if (rows.labels[axis.name][batch] >= 0).any()  # rows may lack an axis
                    ]
                ).sum()
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
                optimiser.step()
                schedule.step()
                step = at + 1
                if step % len(order) == 0 and not chosen_by.ids:
                    best = _light(network)
                elif step % len(order) == 0:
                    figures = _figures(answers(network, chosen_by.ids, device, "held-out groups"), chosen_by, axes)
                    progress.console.print(f"seed {seed}, epoch {epoch + 1}: {_shown(figures)}")
                    if figures.mean > best_mean:
                        best, best_mean = _light(network), figures.mean
                progress.update(task, completed=step, description=f"seed {seed}, loss {loss.item():.2f}")
                if step % CHECKPOINT == 0 or step % len(order) == 0:
                    _save(file, network, optimiser, schedule, step, best, best_mean)
    return best


def _light(network: Network) -> dict[str, torch.Tensor]:
    """Copy the weights that learn; the word embeddings, most of the size, never do."""
    return {k: v.detach().clone() for k, v in network.state_dict().items() if "word_embeddings" not in k}


def _save(file: Path, network: Network, optimiser: torch.optim.AdamW, schedule: object, *progress: object) -> None:
    step, best, best_mean = progress
    beside = file.with_suffix(".writing")
    torch.save(
        {
            "network": _light(network),
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),  # type: ignore[attr-defined]
            "random": torch.get_rng_state(),
            "step": step,
            "best": best,
            "best_mean": best_mean,
        },
        beside,
    )
    beside.replace(file)


def _averaged(
    base: Base, learnt: Sequence[dict[str, torch.Tensor]], held: pd.DataFrame, axes: Sequence[Axis]
) -> tuple[Network, dict[str, Figures]]:
    """Return the best of the seeds and of their average by the held-out groups, and the figures of each."""
    device = _device()
    chosen_by = tokenised(base, held, axes)
    candidates = {f"seed {seed}": state for seed, state in enumerate(learnt)}
    if len(learnt) > 1:
        candidates["average"] = {k: torch.stack([state[k] for state in learnt]).mean(0) for k in learnt[0]}
    network = fresh(base, axes, 0, device)
    tried = {}
    for name, state in candidates.items():
        network.load_state_dict(state, strict=False)
        tried[name] = _figures(answers(network, chosen_by.ids, device, name), chosen_by, axes)
    best = max(tried, key=lambda name: tried[name].mean)
    network.load_state_dict(candidates[best], strict=False)
    return network.cpu().eval(), tried


def _export(
    base: Base,
    network: Network,
    seen: pd.DataFrame,
    held: pd.DataFrame,
    corpus: Corpus,
    tried: Mapping[str, Figures],
    out: Path,
) -> Path:
    """Prune and quantise a network, measure what that costs on the held-out groups, and write the encoder."""
    tokenizer, kept = prune(base.tokenizer, seen["text"].tolist())
    graph, words = build(network.bert, kept).SerializeToString(), tokenizer.to_str().encode()
    vectors = Encoder(graph, words).transform(held["text"].tolist())
    exported = {}
    for axis in corpus.axes:
        head = network.heads[axis.name]
        with torch.inference_mode():
            exported[axis.name] = head(torch.from_numpy(vectors)).numpy()
    tried = {**tried, "exported": _figures(exported, tokenised(base, held, corpus.axes), corpus.axes)}
    record = EncoderRecord(
        base=base.name,
        licence=base.licence,
        hidden=network.bert.config.hidden_size,
        layers=network.bert.config.num_hidden_layers,
        pieces=len(kept),
        corpus=corpus.record.digest,
        held_out_rows=len(held),
        held_out={name: dict(figures.macro_f1) for name, figures in tried.items()},
        seen=tuple(sorted(seen["digest"])),
    )
    for name, figures in tried.items():
        report.out.print(f"{name}: {_shown(figures)}")
    return write_encoder(out, graph, words, record)


def _figures(found: Mapping[str, np.ndarray], held: Rows, axes: Sequence[Axis]) -> Figures:
    scores = {}
    for axis in axes:
        labelled = held.labels[axis.name] >= 0
        guesses = found[axis.name].argmax(axis=1)[labelled]
        scores[axis.name] = round(float(f1_score(held.labels[axis.name][labelled], guesses, average="macro")), 4)
    return Figures(scores)


def _shown(figures: Figures) -> str:
    return "macro-F1 " + ", ".join(f"{name} {value:.3f}" for name, value in figures.macro_f1.items())


def _progress() -> Progress:
    return Progress(
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}")
    )
