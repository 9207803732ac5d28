"""Verifies an evidence package of ANPR Cloud with nothing but Python and the public key.

    python3 verify_evidence.py PACKAGE.zip --key KEY

KEY is the public key of the installation: 64 hex digits, or a file that holds one or more of them.
Take it from the installation's operator on another way than the package, and this program too.

Every byte of the package is accounted for: the manifest is signed and lists each file with its
SHA-256, and the rest of the ZIP must be exactly what follows from the list. Exit code 0: nothing
differs. 1: something does, and is said in words. 2: it could not be verified.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

SIGNED_AS = b"anpr-evidence/1\n"
LOCAL, CENTRAL, END = (
    struct.Struct("<4s5H3I2H"),
    struct.Struct("<4s6H3I5H2I"),
    struct.Struct("<4s4H2IH"),
)
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
MOST_DIRECTORY, MOST_MANIFEST, CHUNK = 16 << 20, 16 << 20, 1 << 20

# Ed25519 as RFC 8032 defines it, in its own names: the curve -x² + y² = 1 + d·x²·y² over p.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
# A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, x·y = T/Z.


def _add(a: Any, b: Any) -> Any:
    """RFC 8032, 5.1.4."""
    low = (a[1] - a[0]) * (b[1] - b[0]) % P
    high = (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = high - low, d - c, d + c, high + low
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(number: int, point: Any) -> Any:
    product: Any = (0, 1, 1, 0)
    while number:
        if number & 1:
            product = _add(product, point)
        point, number = _add(point, point), number >> 1
    return product


def _x_of(y: int, sign: int) -> int | None:
    """RFC 8032, 5.1.3: the x that belongs to y; None where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def _point(data: bytes) -> Any:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    x = _x_of(y, sign) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


_BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = _point(_BASE_Y.to_bytes(32, "little"))


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """RFC 8032, 5.1.7."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, nonce = _point(public_key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or s >= L:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    left = _times(s, BASE)
    right = _add(nonce, _times(int.from_bytes(digest, "little") % L, key))
    return bool(
        (left[0] * right[2] - right[0] * left[2]) % P == 0
        and (left[1] * right[2] - right[1] * left[2]) % P == 0
    )


class Damaged(Exception):
    """So far from a package that there is nothing to compare."""


class Listed(NamedTuple):
    """A file as the manifest lists it."""

    name: str
    size: int
    sha256: str


def local_header(name: bytes, size: int, crc: int) -> bytes:
    return LOCAL.pack(b"PK\3\4", 20, 0x800, 0, 0, 0x21, crc, size, size, len(name), 0) + name


def central_header(name: bytes, size: int, crc: int, offset: int) -> bytes:
    fields = (20, 20, 0x800, 0, 0, 0x21, crc, size, size, len(name), 0, 0, 0, 0, 0, offset)
    return CENTRAL.pack(b"PK\1\2", *fields) + name


def end_record(count: int, size: int, offset: int) -> bytes:
    return END.pack(b"PK\5\6", 0, 0, count, count, size, offset, 0)


def key_id(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:16]


def _last_two(file: BinaryIO, size: int) -> tuple[bytes, bytes]:
    """Return manifest and signature, the last two files, by the directory at the end."""
    file.seek(max(0, size - END.size))
    tail = file.read()
    if len(tail) != END.size or not tail.startswith(b"PK\5\6"):
        raise Damaged("It does not end as a package does: it is cut off, or something was added.")
    _, _, _, _, _, length, start, _ = END.unpack(tail)
    if start + length + END.size != size or length > MOST_DIRECTORY:
        raise Damaged("The end of the ZIP was altered: its directory is not where it says.")
    file.seek(start)
    entries = list(_entries(file.read(length)))
    if [name for name, _, _ in entries[-2:]] != [MANIFEST.encode(), SIGNATURE.encode()]:
        raise Damaged("The directory of the ZIP was altered: it does not end with the manifest.")
    manifest, signature = (_content(file, *entry) for entry in entries[-2:])
    return manifest, signature


def _entries(directory: bytes) -> Any:
    at = 0
    while at < len(directory):
        if len(directory) - at < CENTRAL.size:
            raise Damaged("The directory of the ZIP was altered.")
        fields = CENTRAL.unpack_from(directory, at)
        name = directory[at + CENTRAL.size : at + CENTRAL.size + fields[10]]
        yield name, fields[9], fields[16]
        at += CENTRAL.size + sum(fields[10:13])


def _content(file: BinaryIO, name: bytes, size: int, offset: int) -> bytes:
    if size > MOST_MANIFEST:
        raise Damaged("The directory of the ZIP was altered: the manifest cannot be so large.")
    file.seek(offset + LOCAL.size + len(name))
    return file.read(size)


def _listed(manifest: bytes) -> tuple[dict[str, Any], list[Listed]]:
    try:
        content = json.loads(manifest)
        files = [Listed(**one) for one in content["files"]]
        for one in files:
            one.name.encode("ascii")
            if one.size < 0 or one.size >> 32 or len(one.name) > 200:
                raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Damaged("The manifest was altered: it is no list of files any more.") from None
    return content, files


class Comparison:
    """Reads the package from its first to its last byte beside what it has to be."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.offset, self.directory, self.count = file, 0, b"", 0
        self.problems: list[str] = []
        file.seek(0)

    def entry(self, one: Listed) -> None:
        name = one.name.encode()
        header = self.file.read(LOCAL.size + len(name))
        crc, digest, left = 0, hashlib.sha256(), one.size
        while left and (chunk := self.file.read(min(left, CHUNK))):
            crc = zlib.crc32(chunk, crc)
            digest.update(chunk)
            left -= len(chunk)
        if left or digest.hexdigest() != one.sha256:
            self.problems.append(f"{one.name}: its content is not what was signed.")
        elif header != local_header(name, one.size, crc):
            self.problems.append(
                f"{one.name}: its entry in the ZIP (name, size, date) was altered."
            )
        self.directory += central_header(name, one.size, crc, self.offset)
        self.offset += len(header) + one.size
        self.count += 1

    def end(self) -> None:
        expected = self.directory + end_record(self.count, len(self.directory), self.offset)
        if self.file.read(len(expected) + 1) != expected and not self.problems:
            self.problems.append("The directory at the end of the ZIP was altered.")


def _pictures_as_received(file: BinaryIO, files: list[Listed]) -> list[str]:
    """Compare each picture with the digest that was stored when it came from the sensor."""
    found = {one.name: one.sha256 for one in files}
    problems, offset = [], 0
    for one in files:
        offset += LOCAL.size + len(one.name)
        if one.name.endswith("/record.json"):
            file.seek(offset)
            pictures = json.loads(file.read(one.size))["pictures"]
            for said in (said for said in pictures.values() if said["file"]):
                if found.get(said["file"]) != said["sha256_when_received"]:
                    problems.append(f"{said['file']}: is not the picture that the sensor sent.")
        offset += one.size
    return problems


def problems_of(file: BinaryIO, keys: list[bytes]) -> tuple[list[str], dict[str, Any]]:
    """Return what differs, in words, and the manifest."""
    size = file.seek(0, 2)
    try:
        manifest, signature = _last_two(file, size)
        content, files = _listed(manifest)
    except Damaged as damage:
        return [str(damage)], {}
    problems = []
    if not any(is_signed(key, SIGNED_AS + manifest, signature) for key in keys):
        given = ", ".join(map(key_id, keys))
        named = str(content.get("key_id"))[:32]
        problems.append(
            f"The signature is not one of the key given ({given}); the manifest names key {named}. "
            "Either the manifest was altered, or this is not the key of that installation."
        )
    comparison = Comparison(file)
    for name, data in ((MANIFEST, manifest), (SIGNATURE, signature)):
        files.append(Listed(name, len(data), hashlib.sha256(data).hexdigest()))
    for one in files:
        comparison.entry(one)
    comparison.end()
    problems += comparison.problems
    return problems or _pictures_as_received(file, files), content


def _keys(text: str) -> list[bytes]:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        text = Path(text).read_text(encoding="utf-8")
    return [bytes.fromhex(found) for found in re.findall(r"\b[0-9a-fA-F]{64}\b", text)]


def main(arguments: list[str] | None = None) -> int:
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="verify_evidence.py", description=description)
    parser.add_argument("package")
    parser.add_argument("--key", required=True, help="64 hex digits, or a file that holds them")
    given = parser.parse_args(arguments)
    try:
        keys = _keys(given.key)
        if not keys:
            raise ValueError(f"{given.key} holds no public key (64 hex digits).")
        with Path(given.package).open("rb") as file:
            problems, manifest = problems_of(file, keys)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"It could not be verified: {error}\n")
        return 2
    if problems:
        sys.stdout.write("\n".join(["This package is NOT what was signed.", *problems, ""]))
        return 1
    made = json.dumps({name: manifest[name] for name in manifest if name != "files"}, indent=1)
    sys.stdout.write(
        f"{made}\nNothing differs: {len(manifest['files'])} files are as they were signed.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
