"""What lies in a bundle's folder: whose it is, and whether it is what was written."""

import hashlib
import os
import stat
from pathlib import Path

from models.errors import BundleDamaged, BundleUntrusted
from models.manifest import FileRecord

REMEDY = "fit anew, or go back with `python -m training rollback`"


def content(file: Path, expected: str) -> bytes:
    """Read a file of a bundle.

    Raises:
        BundleDamaged: it cannot be read; the message says what was ``expected``.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise BundleDamaged(f"{file}: expected {expected}, found none ({error.strerror}); {REMEDY}") from error


def record(read: bytes) -> FileRecord:
    """Return the digest and size of what a file holds."""
    return FileRecord(sha256=hashlib.sha256(read).hexdigest(), size=len(read))


def trust(path: Path) -> None:
    """Refuse a bundle that somebody else could have written.

    Raises:
        BundleUntrusted: a link, a place that everybody may write to, or one of another owner.
    """
    for place in (path, *sorted(path.iterdir())):
        status = place.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise BundleUntrusted(f"{place}: a link, expected a file; a bundle holds its own files")
        if status.st_mode & 0o002:
            raise BundleUntrusted(
                f"{place}: everybody may write to it; take that away with `chmod o-w` if you trust it"
            )
        if status.st_uid not in (0, os.geteuid()):
            raise BundleUntrusted(
                f"{place}: owned by user {status.st_uid}, expected {os.geteuid()} or root; `chown` it if you trust it"
            )


def verified(file: Path, expected: FileRecord) -> bytes:
    """Read a file whose digest and size must be those recorded.

    Raises:
        BundleDamaged: they are not.
    """
    read = content(file, f"{expected.size} bytes")
    found = record(read)
    if found.size != expected.size:
        raise BundleDamaged(f"{file}: expected {expected.size} bytes, found {found.size}; {REMEDY}")
    if found.sha256 != expected.sha256:
        raise BundleDamaged(f"{file}: expected SHA-256 {expected.sha256}, found {found.sha256}; {REMEDY}")
    return read


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
