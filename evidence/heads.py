"""Signed heads of the audit log, kept outside its table: they tell when its end was cut off."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from audit.chain import Head
from evidence import ed25519
from evidence.models import SigningKey, SigningKeyLost

logger = logging.getLogger(__name__)
PURPOSE = b"anpr-audit-head/1\n"
FILE_NAME = "audit-heads.log"
# As it stands in the file and in the log, whatever is around it.
SIGNED = re.compile(
    r"(?P<content>(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (?P<sequence>\d{1,18}):(?P<hash>[0-9a-f]{64})) "
    r"(?P<key_id>[0-9a-f]{16}) (?P<signature>[0-9a-f]{128})"
)


@dataclass(frozen=True)
class SignedHead:
    head: Head
    at: str
    content: bytes
    key_id: str
    signature: bytes

    def is_genuine(self, public_keys: Collection[bytes]) -> bool:
        return any(self._is_signed_with(key) for key in public_keys)

    def _is_signed_with(self, public_key: bytes) -> bool:
        return ed25519.is_signed(public_key, self.signature, PURPOSE + self.content)


def heads_file() -> Path:
    return Path(settings.DATA_DIR) / FILE_NAME


def sign_head() -> str:
    """Return the head of now as one line of text."""
    key, head = SigningKey.current(), Head.current()
    content = f"{timezone.now():%Y-%m-%dT%H:%M:%SZ} {head}"
    return f"{content} {key.key_id} {key.sign(PURPOSE, content.encode()).hex()}"


def note_head() -> str:
    """Sign the head, append it to the file and to the log, and return it.

    Appended and never replaced: after a cut the chain grows again, and only the old line tells.
    """
    line = sign_head()
    logger.info("audit head", extra={"head": line})
    try:
        with heads_file().open("a") as file:
            file.write(f"{line}\n")
    except OSError as error:
        logger.warning("audit head is in the log alone", extra={"reason": error.strerror})
    return line


def keep_head() -> None:
    """Note the head, if that can be done; whoever calls has more to do."""
    try:
        note_head()
    except SigningKeyLost as lost:
        logger.error("audit head is not signed", extra={"reason": str(lost.detail)})


def heads_in(lines: Iterable[str]) -> Iterator[SignedHead]:
    """Yield each signed head in a text: the file, or any log that holds some."""
    for line in lines:
        for found in SIGNED.finditer(line):
            yield SignedHead(
                Head(int(found["sequence"]), found["hash"]),
                found["at"],
                found["content"].encode(),
                found["key_id"],
                bytes.fromhex(found["signature"]),
            )
