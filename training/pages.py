"""Pages that no row may be grounded on: those behind the outside check and behind statements that are held back."""

import hashlib
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from training.corpus import DATA

EXCLUDED = DATA / "excluded-pages.sha256"
MIRRORS = ("www.", "m.", "amp.", "mobile.")
TRACKING = ("utm_", "fbclid", "gclid", "yclid", "igshid", "mc_", "ref", "from", "source")


def canonical(url: str) -> str:
    """Return the form of a web address in which all copies of a page agree.

    Host in lower case without mirror and port, path decoded and without a last slash or ``/amp``, query sorted and
    without what only tracks a reader; no scheme, no fragment.

    >>> canonical("https://www.Example.org:443/a%20b/amp/?utm_source=x&b=2&a=1#top")
    'example.org/a b?a=1&b=2'
    """
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    for mirror in MIRRORS:
        host = host.removeprefix(mirror)
    path = unquote(parts.path).rstrip("/").removesuffix("/amp").rstrip("/")
    query = sorted((key, value) for key, value in parse_qsl(parts.query) if not key.lower().startswith(TRACKING))
    return host + path + ("?" + urlencode(query) if query else "")


def excluded(url: str, digests: frozenset[str]) -> bool:
    """Say whether a page is one of those whose digests are given."""
    return hashlib.sha256(canonical(url).encode()).hexdigest() in digests


def excluded_digests(file: Path = EXCLUDED) -> frozenset[str]:
    """Read the digests of the excluded pages."""
    return frozenset(file.read_text(encoding="utf-8").split())
