"""What Prometheus is told: counted here as it happens, read from one process or from all workers together.

Several workers count into files of the folder that ``PROMETHEUS_MULTIPROC_DIR`` names, which must be set before this
module is imported; whichever worker is asked adds them up.
"""

import os
from collections import Counter as Counts
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from models.drift import CONFIDENCES, LENGTHS
from models.stance import Prediction

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 3, 4)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""The label of a method or route that is not ours: labels must not grow with what is sent."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # several workers have none
REGISTRY = CollectorRegistry()
REQUESTS = Counter("stance_requests", "Requests, by answer.", ["route", "method", "status"], registry=REGISTRY)
REQUEST_SECONDS = Histogram("stance_request_seconds", "Whole requests.", ["route"], registry=REGISTRY, buckets=SECONDS)
STAGE_SECONDS = Histogram(
    "stance_stage_seconds", "Texts in the queue, batches in encode.", ["stage"], registry=REGISTRY, buckets=SECONDS
)
WAITING = Gauge("stance_waiting_texts", "Texts in the queue.", registry=REGISTRY, multiprocess_mode="livesum")
BATCH_TEXTS = Histogram("stance_batch_texts", "Texts a batch.", registry=REGISTRY, buckets=SIZES)
CACHE = Counter("stance_cache", "Texts looked up among the answers remembered.", ["outcome"], registry=REGISTRY)
TEXT_CHARACTERS = Histogram("stance_text_characters", "Lengths of answered texts.", registry=REGISTRY, buckets=LENGTHS)
LABELS = Counter("stance_labels", "Labels of answered texts.", ["axis", "language", "label"], registry=REGISTRY)
CONFIDENCE = Histogram(
    "stance_confidence", "Confidence of these labels.", ["axis"], registry=REGISTRY, buckets=(*CONFIDENCES, 1)
)
ABSTENTIONS = Counter("stance_abstentions", "Labels that are not certain.", ["axis", "reason"], registry=REGISTRY)
RELOADS = Counter("stance_reloads", "Bundles that were to replace another.", ["outcome"], registry=REGISTRY)
MODEL = Gauge(
    "stance_model_info", "Workers that serve a version.", ["version"], registry=REGISTRY, multiprocess_mode="livesum"
)


def requested(route: str | None, method: str, status: int, seconds: float) -> None:
    """Count a request that has been answered."""
    route = route or OTHER
    REQUESTS.labels(route, method if method in METHODS else OTHER, status).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)


def looked_up(hits: int, misses: int) -> None:
    """Count texts whose answer was remembered, and those whose was not."""
    CACHE.labels("hit").inc(hits)
    CACHE.labels("miss").inc(misses)


def answered(texts: Sequence[str], predictions: Sequence[Prediction]) -> None:
    """Count texts and their predictions, whether computed or remembered."""
    labels: Counts[tuple[str, str, str]] = Counts()
    doubts: Counts[tuple[str, str]] = Counts()
    for text, prediction in zip(texts, predictions, strict=True):
        TEXT_CHARACTERS.observe(len(text))
        for axis, stance in prediction.stances.items():
            CONFIDENCE.labels(axis).observe(stance.confidence)
            labels[axis, prediction.language, stance.label] += 1
            if stance.reason is not None:
                doubts[axis, stance.reason] += 1
    for label, count in labels.items():
        LABELS.labels(*label).inc(count)
    for doubt, count in doubts.items():
        ABSTENTIONS.labels(*doubt).inc(count)


def exposition() -> bytes:
    """Return all figures in the text format of Prometheus, of all workers where there are several."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return generate_latest(REGISTRY)
    for file in Path(folder).glob("gauge_live*.db"):  # what a worker counted stays when it dies, what it held does not
        worker = int(file.stem.rpartition("_")[2])
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            mark_process_dead(worker, folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
