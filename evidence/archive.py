"""A ZIP in one form only, written as it goes: the verifier demands exactly these bytes.

No compression, no date, no data descriptors, no extra fields, no comment: whatever the headers say
follows from names and contents, so that no byte of an archive is free to be changed.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import NamedTuple

from evidence.verify_evidence import central_header, end_record, local_header

# Beyond it a ZIP has another form.
MOST_BYTES = 2**32 - 2**26


class Packed(NamedTuple):
    name: str
    size: int
    sha256: str


class Archive:
    """Gives the bytes of each file to send on, and remembers what belongs at the end."""

    def __init__(self) -> None:
        self.files: list[Packed] = []
        self._directory, self._offset = b"", 0

    def has_room_for(self, size: int) -> bool:
        return self._offset + size < MOST_BYTES

    def add(self, name: str, data: bytes) -> bytes:
        crc, encoded = zlib.crc32(data), name.encode("ascii")
        header = local_header(encoded, len(data), crc)
        self.files.append(Packed(name, len(data), hashlib.sha256(data).hexdigest()))
        self._directory += central_header(encoded, len(data), crc, self._offset)
        self._offset += len(header) + len(data)
        return header + data

    def end(self) -> bytes:
        return self._directory + end_record(len(self.files), len(self._directory), self._offset)
