"""Stored texts go when their time is over."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from service.storage.store import Store

DAY_SECONDS = 24 * 3600

log = structlog.get_logger()


async def retain(store: Store, age: timedelta) -> None:
    """Delete stored texts older than an age that nobody corrected, now and every day, for ever."""
    while True:
        try:
            await asyncio.to_thread(store.purge, datetime.now(UTC) - age)
        except Exception as error:  # whatever it is, it is tried again tomorrow; requests tell of it meanwhile
            log.error("purge_failed", exc_info=error.__cause__ or error)
        await asyncio.sleep(DAY_SECONDS)
