"""Every error that Stance Desk raises on purpose, and the stable code of each.

::

    StanceError
    ├── AxesError             axes_invalid         the declaration of the axes is wrong
    ├── CorpusError           corpus_invalid       rows that cannot be trained on, each named
    ├── AuditError            corpus_unsound       the audit found what must be mended
    ├── TrainingError         training_impossible  too little to fit or to measure
    ├── EncoderError          encoder_invalid      base weights or an encoder that cannot be used
    ├── TableError            table_invalid        a table lacks a column or has one of ours
    ├── StoreError            store_unwritable     nothing could be written, and nothing was
    ├── ScoreError            score_incomplete     a part of the input, or all of it, could not be scored
    ├── BundleError           bundle_invalid
    │   ├── BundleNotFound    bundle_not_found     there is no bundle at that place
    │   ├── BundleDamaged     bundle_damaged       a file is missing, cut short or altered
    │   ├── BundleForeign     bundle_foreign       made by another format or library version
    │   ├── BundleUntrusted   bundle_untrusted     others may write to it, or it is not ours
    │   └── BundleDiffers     bundle_differs       its golden texts are answered differently
    ├── ExplainUnavailable    explain_unavailable  the model that serves has no shares of words to give
    ├── ReleaseError          release_refused      the gate or the log says no
    ├── DatabaseError         database_unavailable  predictions and corrections cannot be kept or read
    ├── KeysError             keys_invalid         keys or a rate that are not of their form, or keys that are missing
    ├── RequestError          (a code of its own)  a request that the service refuses
    └── ServiceError          service_error        what a service answered its client instead; its own code, if any
"""

from collections.abc import Sequence
from dataclasses import dataclass


class StanceError(Exception):
    """Tell what is wrong, where, and what to do about it, in one message for people."""

    code: str = "stance_error"


class AxesError(StanceError):
    """Refuse a declaration of axes that breaks the rules of ``models.axes``."""

    code = "axes_invalid"


@dataclass(frozen=True, slots=True)
class BadRow:
    """Name one fault of a corpus: its file, line (from 1), column and reason."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.column}: {self.reason}"


class CorpusError(StanceError):
    """Report every bad row of a corpus at once."""

    code = "corpus_invalid"

    def __init__(self, rows: Sequence[BadRow]) -> None:
        self.rows = tuple(rows)
        lines = "\n".join(f"  {row}" for row in self.rows)
        count = "one fault" if len(self.rows) == 1 else f"{len(self.rows)} faults"
        super().__init__(f"{count} in the rows; mend them, nothing was done:\n{lines}")


class AuditError(StanceError):
    """List what the audit of a corpus found wrong."""

    code = "corpus_unsound"


class TrainingError(StanceError):
    """Say that there is too little to fit or to measure."""

    code = "training_impossible"


class EncoderError(StanceError):
    """Refuse base weights or an encoder that is missing, of an unknown form, or of other dimensions."""

    code = "encoder_invalid"


class TableError(StanceError):
    """Refuse a table that lacks the text column or already has one of the columns to add."""

    code = "table_invalid"


class StoreError(StanceError):
    """Say that a place cannot be written to; what stood there stands there still."""

    code = "store_unwritable"


class ScoreError(StanceError):
    """Say that a part of an input, or all of it, could not be scored; what was scored stands."""

    code = "score_incomplete"


class BundleError(StanceError):
    """Refuse a bundle; what was serving goes on serving."""

    code = "bundle_invalid"


class BundleNotFound(BundleError):
    """Say that there is no bundle where one was looked for."""

    code = "bundle_not_found"


class BundleDamaged(BundleError):
    """Name the file that is missing, cut short or altered, what was expected and what was found."""

    code = "bundle_damaged"


class BundleForeign(BundleError):
    """Name the format or library version that made the bundle, and the one at hand."""

    code = "bundle_foreign"


class BundleUntrusted(BundleError):
    """Refuse a bundle that other users could have written: loading one runs its code."""

    code = "bundle_untrusted"


class BundleDiffers(BundleError):
    """Name the golden text that this machine answers differently than the one that fitted."""

    code = "bundle_differs"


class ExplainUnavailable(StanceError):
    """Say that the model cannot explain itself; what it answers otherwise stands."""

    code = "explain_unavailable"


class ReleaseError(StanceError):
    """Say why a version does not become, or cannot go back to being, the one that serves."""

    code = "release_refused"


class KeysError(StanceError):
    """Refuse keys or a rate that are not of their form, and a public address without keys."""

    code = "keys_invalid"


class DatabaseError(StanceError):
    """Say that the database of predictions and corrections cannot be used; what it acknowledged it holds."""

    code = "database_unavailable"


class RequestError(StanceError):
    """Refuse a request with an HTTP status and a stable code of its own.

    ``retry_after`` are the seconds after which it may be sent again, where that is known.
    """

    def __init__(self, status: int, code: str, detail: str, retry_after: int | None = None) -> None:
        self.status = status
        self.code = code
        self.retry_after = retry_after
        super().__init__(detail)


class ServiceError(StanceError):
    """Tell a client what a service answered instead of what was asked: HTTP status, and its code where it gave one.

    ``retry_after`` are the seconds after which the service would be asked again, where it said so.
    """

    code = "service_error"

    def __init__(self, status: int, code: str, detail: str, retry_after: int | None = None) -> None:
        self.status = status
        self.code = code
        self.retry_after = retry_after
        super().__init__(detail)
