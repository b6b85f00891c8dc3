"""Time the encoder of a bundle by itself, text by text and many at a time: what no server around it can go below."""

import json
import sys
import time
from pathlib import Path

from models.encoder import FILES, Encoder

WARM = 32
CROWD = 32
"""Texts given to the encoder at once where many ask; it cuts them into batches itself."""


def main() -> None:
    """Encode what standard input says and write the times to standard output."""
    asked = json.load(sys.stdin)
    graph, tokenizer = ((Path(asked["bundle"]) / name).read_bytes() for name in FILES[:2])
    encoder = Encoder(graph, tokenizer, asked["threads"])
    for text in asked["single"][:WARM]:
        encoder.encode([text])
    found = {}
    for name, texts, size in (("single", asked["single"], 1), ("batches", asked["batches"], CROWD)):
        seconds = []
        began, spent = time.perf_counter(), time.process_time()
        for at in range(0, len(texts), size):
            since = time.perf_counter()
            encoder.encode(texts[at : at + size])
            seconds.append(time.perf_counter() - since)
        took, spent = time.perf_counter() - began, time.process_time() - spent
        found[name] = {"took": took, "processor": spent, "seconds": seconds}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
