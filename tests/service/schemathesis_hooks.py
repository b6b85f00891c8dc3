"""What schemathesis has to be told of JSON lines: to send them as they come, bytes or an example."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def as_they_come(_context: schemathesis.SerializationContext, value: Any) -> Any:
    """Send a body as it was made."""
    return getattr(value, "data", value)
