"""Who may ask for what: bearer keys with roles, and how often each may ask.

A key is 256 random bits; the service knows its SHA-256 only, and a digest of so much chance needs no slow hash.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast, get_args

from fastapi import Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param
from limits import RateLimitItem, parse_many

from models.errors import KeysError, RequestError

Role = Literal["predict", "annotate", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may."""
MOST_REQUESTS = 1_000_000
"""Largest rate: when each request of it came is remembered, a key's at most eight megabytes."""
_ENTRY = re.compile(r"([a-z0-9][a-z0-9_-]{0,31}):([a-z]+):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Key:
    """Hold whose a key is, what it may do, and the digest of its secret."""

    name: str
    role: Role
    digest: str


class Keyring:
    """Hold the keys of a service and count what each asks; without keys everybody on this machine may do everything.

    Raises:
        KeysError: an entry or the rate is not of its form, or a name stands twice.
    """

    def __init__(self, entries: str, rate: str) -> None:
        self.keys = tuple(_key(entry.strip()) for entry in entries.split(",") if entry.strip())
        names = [key.name for key in self.keys]
        if twice := {name for name in names if names.count(name) > 1}:
            raise KeysError(
                f"STANCE_API_KEYS: {', '.join(sorted(twice))} stands twice; give each key a name of its own"
            )
        self._rate = _rate(rate)
        # By name, when the last requests came. The storages of `limits` cost a thread or a task of their own a request.
        self._came = {name: deque[float](maxlen=self._rate.amount) for name in names}

    def has(self, role: Role) -> bool:
        """Say whether a key of a role exists."""
        return any(key.role == role for key in self.keys)

    def find(self, secret: str) -> Key | None:
        """Return the key of a secret; every digest is compared, each in constant time."""
        digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
        found = None
        for key in self.keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def count(self, key: Key) -> None:
        """Count a request of a key.

        Raises:
            RequestError: it has sent too many.
        """
        came, now = self._came[key.name], time.monotonic()
        left = came[0] + self._rate.get_expiry() - now if len(came) == self._rate.amount else 0
        if left > 0:
            wait = max(1, round(left))
            detail = f"this key may send {self._rate}; try again in {wait} seconds"
            raise RequestError(429, "rate_exceeded", detail, retry_after=wait)
        came.append(now)


def _rate(written: str) -> RateLimitItem:
    try:
        rates = parse_many(written)
    except ValueError:
        rates = []
    if len(rates) != 1 or not 0 < rates[0].amount <= MOST_REQUESTS:
        raise KeysError(f"STANCE_RATE: {written!r} is not one rate, of a request to a million; write it as 600/minute")
    return rates[0]


def _key(entry: str) -> Key:
    match = _ENTRY.fullmatch(entry)
    if match is None or match[2] not in ROLES:
        raise KeysError(
            f"STANCE_API_KEYS: an entry is not name:role:sha256 with a role of {', '.join(ROLES)}; "
            "`python -m service key NAME ROLE` writes one"
        )
    return Key(match[1], cast("Role", match[2]), match[3])


def new_key(name: str, role: Role) -> tuple[str, str]:
    """Make a secret and the entry by which a service knows it.

    Raises:
        KeysError: the name is not of the form.
    """
    secret = secrets.token_urlsafe(32)
    entry = f"{name}:{role}:{hashlib.sha256(secret.encode()).hexdigest()}"
    if _ENTRY.fullmatch(entry) is None:
        raise KeysError(f"{name!r} is no name for a key: lower-case letters, digits, - and _, 32 at most")
    return secret, entry


class Admission(SecurityBase):
    """Ask for a role: the dependency of routes that need one, solved before any of a body is read."""

    def __init__(self, role: Role) -> None:
        self.model = HTTPBearer(description="A key of `python -m service key`, where the service has keys.")
        self.scheme_name = "HTTPBearer"
        self._role = role

    async def __call__(self, request: Request) -> Key | None:
        """Return the key that was sent, None where the service has none; ``state.key`` says it to the log.

        Raises:
            RequestError: no key was sent, or one that is not known, asks too often or may not do this.
        """
        ring = request.app.state.keyring
        assert isinstance(ring, Keyring)
        if not ring.keys:
            return None
        scheme, secret = get_authorization_scheme_param(request.headers.get("authorization"))
        if scheme.lower() != "bearer" or not secret:
            raise RequestError(401, "key_missing", "Send a key: Authorization: Bearer …; an administrator makes one.")
        key = ring.find(secret)
        if key is None:
            raise RequestError(401, "key_unknown", "This key is not known here; ask an administrator for one.")
        request.state.key = key
        ring.count(key)
        if ROLES.index(key.role) < ROLES.index(self._role):
            detail = f"This needs a key of the role {self._role}; yours has {key.role}."
            raise RequestError(403, "role_too_low", detail)
        return key


@cache  # the same one for a role, so that a router and its route ask, and count, once
def may(role: Role) -> Admission:
    """Make the dependency of routes that need a role."""
    return Admission(role)
