"""Settings of the service, read from the environment as ``STANCE_<NAME>``; the README lists them."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.bundle import STORE
from models.table import LONGEST_TEXT

DATABASE = STORE.parent.parent / "stance.db"


class Settings(BaseSettings):
    """Hold every setting with its default; a limit says why it is what it is."""

    model_config = SettingsConfigDict(env_prefix="STANCE_", frozen=True)

    host: Annotated[str, Field(description="Address to listen on; this machine only unless told otherwise.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8000
    store: Annotated[Path, Field(description="Folder of the fitted bundles, whose `current` is served.")] = STORE
    bundle: Annotated[Path | None, Field(description="Folder of one bundle to serve whatever `current` says.")] = None
    shadow: Annotated[
        str,
        Field(
            description="A challenger as VERSION:SHARE that answers that share of the requests unseen; /v1/model tells "
            "how it agrees.",
            pattern=r"^([^:/\\]+:(0(\.\d+)?|1(\.0+)?))?$",
        ),
    ] = ""
    mlflow_url: Annotated[str | None, Field(description="Address of the MLflow UI, for /v1/model to name.")] = None
    reload_seconds: Annotated[
        float,
        Field(
            gt=0, description="How often `current` is looked at; a look at ten files each time, so often costs nothing."
        ),
    ] = 2.0
    max_body_bytes: Annotated[
        int,
        Field(gt=0, description="Largest request body: 256 long texts in any script, as JSON; it is held in memory."),
    ] = 8_000_000
    max_bulk_bytes: Annotated[
        int,
        Field(gt=0, description="Largest bulk upload; it lies in a temporary file until it is answered."),
    ] = 200_000_000
    max_texts: Annotated[
        int,
        Field(
            gt=0, description="Most texts in a request: some seconds of work at most, so that none starves the others."
        ),
    ] = 256
    max_characters: Annotated[
        int, Field(gt=0, description="Longest text to predict: ten times a long statement; an article goes to analyze.")
    ] = LONGEST_TEXT
    max_article_characters: Annotated[
        int, Field(gt=0, description="Longest article to analyze: the longest feature articles, not books.")
    ] = 100_000
    max_requests: Annotated[
        int,
        Field(gt=0, description="Most requests at work at once; one more is sent away with Retry-After, not queued."),
    ] = 64
    deadline_seconds: Annotated[
        float,
        Field(gt=0, description="Longest that a request may take; then its texts that wait are dropped, not computed."),
    ] = 30.0
    cache_texts: Annotated[
        int,
        Field(
            ge=0,
            description="Answers remembered, by digest of the text; some two kilobytes each, no explanation, no text.",
        ),
    ] = 10_000
    threads: Annotated[
        int,
        Field(
            gt=0,
            description="Threads that share a batch; as many batches run at once as cores allow. One takes the least "
            "processor time, more answer a lone text sooner.",
        ),
    ] = 1
    workers: Annotated[
        int,
        Field(
            gt=0,
            description="Processes that share the port; one keeps a few cores busy. Each has its own bundle and cache, "
            "and every limit and rate holds in each.",
        ),
    ] = 1
    allowed_hosts: Annotated[
        str,
        Field(
            description="Names, with commas, under which the service may be called; against web pages of others that "
            "make a browser call it."
        ),
    ] = "127.0.0.1,localhost,[::1]"
    api_keys: Annotated[
        SecretStr,
        Field(
            description="Keys as name:role:sha256, with commas; `python -m service key NAME ROLE` makes one. Without "
            "any the service listens to this machine only."
        ),
    ] = SecretStr("")
    rate: Annotated[
        str, Field(description="Requests a key may send, as `600/minute`; enough for a person and a script beside.")
    ] = "600/minute"
    database_url: Annotated[
        SecretStr,
        Field(
            description="Database of stored predictions and corrections: sqlite:///FILE, by default stance.db in the "
            "project's folder, or postgresql://USER:PASSWORD@HOST/NAME."
        ),
    ] = SecretStr(f"sqlite:///{DATABASE}")
    retention_days: Annotated[
        int,
        Field(
            gt=0,
            description="Days after which a stored text that nobody corrected is deleted: a season to review it in, "
            "no archive.",
        ),
    ] = 90
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least severe log lines to write.")
    ] = "info"

    @property
    def batches(self) -> int:
        """Return how many batches a worker encodes at once."""
        return max(1, (os.cpu_count() or 1) // (self.workers * self.threads))
