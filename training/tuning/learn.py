"""One run of fine-tuning: a network that learns labels, or a student that learns from its teacher."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sklearn.metrics import f1_score
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from models.axes import Axis
from training import report
from training.tuning.base import Base
from training.tuning.network import BATCH, Network, answers, batches, pieces, token_ids

RATE, HEAD_RATE, BETAS, DECAY = 2e-4, 1e-3, (0.9, 0.98), 0.01
LAYER_DECAY = 0.9
"""What a layer's rate is of that of the layer above it: the lower ones know most of what they must already."""
SMOOTHING, CLIP, WARM_UP = 0.05, 1.0, 0.1
CONSISTENCY = 3.0
"""Weight of answering alike under two masks of dropout, beside answering right."""
SOFTNESS = 2.0
"""Temperature at which a student is shown its teachers' answers, so that it sees the second choices too."""
Answers = Mapping[str, np.ndarray]
"""Probabilities an axis, each (rows, labels)."""
CHECKPOINT = 200
"""Steps after which, as at the end of an epoch, what was learnt is put on disk: two minutes of work on two cores."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Hold rows to learn from or to choose by: token ids, and per axis the place of the label, -100 where none is."""

    ids: list[list[int]]
    labels: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold macro-F1 on the held-out groups, an axis that has labels there."""

    macro_f1: Mapping[str, float]

    @property
    def mean(self) -> float:
        """Return the mean over the axes, by which epochs and averages are chosen."""
        return float(np.mean(list(self.macro_f1.values())))


def tokenised(base: Base, frame: pd.DataFrame, axes: Sequence[Axis]) -> Rows:
    """Turn rows into what a network learns from or is measured by."""
    labels = {
        axis.name: np.array([axis.labels.index(label) if label else -100 for label in frame[axis.name]])
        for axis in axes
    }
    return Rows(token_ids(base.tokenizer, frame["text"].tolist()), labels)


def _half() -> bool:
    """Say whether the processor multiplies in bfloat16; where it does not, bfloat16 is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def fresh(base: Base, axes: Sequence[Axis], seed: int) -> Network:
    """Make a network of the base weights, its heads drawn anew by the seed, on a GPU where there is one."""
    torch.manual_seed(seed)
    bert = type(base.network)(base.network.config, add_pooling_layer=False)
    bert.load_state_dict(base.network.state_dict())
    return Network(bert, axes).to("cuda" if torch.cuda.is_available() else "cpu")


def _optimiser(
    network: Network, steps: int, rate: float
) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]:
    layers = [network.bert.embeddings, *network.bert.encoder.layer]
    groups: list[dict[str, object]] = [
        {"params": list(network.heads.parameters()), "lr": HEAD_RATE, "weight_decay": 0.0}
    ]
    for depth, layer in enumerate(reversed(layers)):
        trained = [p for p in layer.parameters() if p.requires_grad]
        own = rate * LAYER_DECAY**depth
        groups.append({"params": [p for p in trained if p.dim() > 1], "lr": own, "weight_decay": DECAY})
        groups.append({"params": [p for p in trained if p.dim() == 1], "lr": own, "weight_decay": 0.0})
    optimiser = torch.optim.AdamW(groups, betas=BETAS)
    warm = max(1, int(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    return optimiser, schedule


def learn(
    base: Base,
    seen: pd.DataFrame,
    held: pd.DataFrame,
    axes: Sequence[Axis],
    seed: int,
    epochs: int,
    work: Path,
    teachers: Answers | None = None,
    rate: float = RATE,
) -> dict[str, torch.Tensor]:
    """Fine-tune one seed, or a student of what ``teachers`` answer to the same rows, going on from a checkpoint.

    ``rate`` is that of the last layer at its highest. Returns the weights of the epoch that did best on the rows
    ``held``, of the last one where there are none.
    """
    network = fresh(base, axes, seed)
    device, half = network.bert.device, _half()
    rows, chosen_by = tokenised(base, seen, axes), tokenised(base, held, axes)
    lengths = [len(row) for row in rows.ids]
    steps = epochs * -(-len(lengths) // BATCH)
    optimiser, schedule = _optimiser(network, steps, rate)
    what = f"seed {seed}" if teachers is None else f"student {seed} of {base.network.config.num_hidden_layers} layers"
    file = work / f"{what.replace(' ', '-')}.pt"
    step, best, best_mean = 0, _light(network), -1.0
    if file.exists():
        saved = torch.load(file, map_location=device, weights_only=True)
        network.load_state_dict(saved["network"], strict=False)
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        torch.set_rng_state(saved["random"].cpu())
        step, best, best_mean = saved["step"], saved["best"], saved["best_mean"]
        report.out.print(f"{what}: taken up at step {step} of {steps}")
    with _progress() as progress:
        task = progress.add_task(what, total=steps, completed=step)
        for epoch in range(epochs):
            order = list(batches(lengths, random.Random(f"{seed} {epoch}")))  # noqa: S311 (an order, no secret)
            for at, batch in enumerate(order, epoch * len(order)):
                if at < step:
                    continue
                network.train()
                optimiser.zero_grad()
                total = 0.0
                for piece in pieces(batch, lengths):
                    with torch.autocast(device.type, torch.bfloat16, enabled=half):
                        loss = _loss(network, rows, piece, batch, teachers)
                    torch.autograd.backward(loss)
                    total += loss.item()
                torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
                optimiser.step()
                schedule.step()
                step = at + 1
                if step % len(order) == 0 and not chosen_by.ids:
                    best = _light(network)
                elif step % len(order) == 0:
                    figures = score(answers(network, chosen_by.ids, "held-out groups"), chosen_by, axes)
                    progress.console.print(f"{what}, epoch {epoch + 1}: {shown(figures)}")
                    if figures.mean > best_mean:
                        best, best_mean = _light(network), figures.mean
                progress.update(task, completed=step, description=f"{what}, loss {total:.2f}")
                if step % CHECKPOINT == 0 or step % len(order) == 0:
                    _save(file, network, optimiser, schedule, step, best, best_mean)
    return best


def _loss(
    network: Network, rows: Rows, piece: Sequence[int], batch: Sequence[int], teachers: Answers | None
) -> torch.Tensor:
    """Return what a piece of a batch adds to the loss of the batch, summed over the axes; rows may lack one.

    Every row is answered twice under two masks of dropout, and is held to answer alike: R-Drop (Liang and others 2021,
    arXiv 2106.14448). It takes twice the time, and gains what averaging a second seed does. A student learns as
    much from its teachers' answers as from the labels (Hinton and others 2015, arXiv 1503.02531); a row without a label
    has the half of a row's weight that is its teachers'.
    """
    count = len(piece)
    logits = network.logits(network.dropout(network.vectors([rows.ids[i] for i in piece] * 2)))
    losses = []
    for name, found in logits.items():
        labels = torch.as_tensor(rows.labels[name][piece], device=found.device)
        known, labelled = labels >= 0, max(1, int((rows.labels[name][batch] >= 0).sum()))
        told = cross_entropy(
            found.float(), labels.repeat(2), ignore_index=-100, label_smoothing=SMOOTHING, reduction="sum"
        ) / (2 * labelled)
        if teachers is not None:
            wanted = torch.as_tensor(teachers[name][piece], device=found.device).clamp(min=1e-6).log()
            soft = log_softmax(torch.cat([wanted, wanted]) / SOFTNESS, dim=1)
            taught = _divergence(log_softmax(found.float() / SOFTNESS, dim=1), soft) / (2 * len(batch))
            told = (told + taught * SOFTNESS**2) / 2
        one, other = (log_softmax(half[known].float(), dim=1) for half in (found[:count], found[count:]))
        apart = (_divergence(one, other) + _divergence(other, one)) / labelled
        losses.append(told + CONSISTENCY * apart / 2)
    return torch.stack(losses).sum()


def _divergence(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return kl_div(found, wanted, reduction="sum", log_target=True)


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


def score(found: Mapping[str, np.ndarray], held: Rows, axes: Sequence[Axis]) -> Figures:
    """Return the figures of answers (rows, labels) an axis; an axis that no row is labelled on has none."""
    scores = {}
    for axis in axes:
        labelled = held.labels[axis.name] >= 0
        if not labelled.any():
            continue
        guesses = found[axis.name].argmax(axis=1)[labelled]
        scores[axis.name] = round(float(f1_score(held.labels[axis.name][labelled], guesses, average="macro")), 4)
    return Figures(scores)


def shown(figures: Figures) -> str:
    """Return figures for people."""
    return "macro-F1 " + ", ".join(f"{name} {value:.3f}" for name, value in figures.macro_f1.items())


def _progress() -> Progress:
    return Progress(
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}")
    )
