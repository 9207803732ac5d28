"""The verifier alone: its Ed25519, and that no bit of a package can be changed unseen."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence import verify_evidence
from evidence.tests.packages import Made, make_package
from evidence.verify_evidence import L, is_signed, problems_of

# RFC 8032, 7.1: tests 1 to 3 and that of SHA(abc).
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
FLIPS = 150


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_vectors_of_the_standard_hold(key: str, message: str, signature: str) -> None:
    parts = [bytes.fromhex(text) for text in (key, message, signature)]
    assert is_signed(*parts)
    for part in range(3):
        for bit in (0, 7, len(parts[part]) * 8 - 1):
            if parts[part]:
                flipped = list(parts)
                flipped[part] = flip(parts[part], bit)
                assert not is_signed(*flipped)


def test_it_judges_as_the_library_does() -> None:
    chance = random.Random(7)  # noqa: S311 - a seed, no secret
    for _ in range(20):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        message = chance.randbytes(chance.randrange(200))
        public = private.public_key().public_bytes_raw()
        signature = private.sign(message)
        assert is_signed(public, message, signature)
        assert not is_signed(public, message + b"x", signature)
        # The same value in another writing is no second signature.
        again = (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")
        assert not is_signed(public, message, signature[:32] + again)
    assert not is_signed(b"\xff" * 32, b"", bytes(64))
    assert not is_signed(b"", b"", b"")


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.fixture(scope="module")
def made() -> Made:
    return make_package()


def found(data: bytes, made: Made) -> list[str]:
    return problems_of(io.BytesIO(data), [made.public_key])[0]


def test_an_untouched_package_passes(made: Made) -> None:
    assert found(made.data, made) == []


def test_every_flipped_bit_is_found(made: Made) -> None:
    chance = random.Random(2026)  # noqa: S311 - a seed, no secret
    bits = [chance.randrange(len(made.data) * 8) for _ in range(FLIPS)]
    # The end, where the ZIP's own structure is, in full.
    bits += range(len(made.data) * 8 - 22 * 8, len(made.data) * 8)
    assert [bit for bit in bits if not found(flip(made.data, bit), made)] == []


@pytest.mark.parametrize("length", [0, 1, 21, 22, 500])
def test_what_is_cut_off_or_added_is_found(made: Made, length: int) -> None:
    assert found(made.data[:length], made)
    assert found(made.data[:-length] if length else b"", made)
    assert found(made.data + bytes(length or 2), made)
    assert found(bytes(length or 2) + made.data, made)


def test_what_differs_is_said_in_words(made: Made) -> None:
    at = made.data.index(b"PICTURE")
    assert found(made.data.replace(b"PICTURE", b"PICTUR3"), made) == [
        "events/1/frame.jpg: its content is not what was signed."
    ]
    date = flip(made.data, (at - len("events/1/frame.jpg") - 30 + 12) * 8)
    assert "its entry in the ZIP" in found(date, made)[0]
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    [said] = problems_of(io.BytesIO(made.data), [other])[0]
    assert "not one of the key given" in said


def test_a_picture_that_is_not_as_received_is_found() -> None:
    made = make_package(as_received=False)
    assert found(made.data, made) == [
        "events/1/frame.jpg: is not the picture that the sensor sent."
    ]


def verify(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As somebody does who has the program and Python, and none of our packages."""
    program = folder / "verify_evidence.py"
    program.write_bytes(Path(str(verify_evidence.__file__)).read_bytes())
    return subprocess.run(
        [sys.executable, "-I", "-S", str(program), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_stands_alone(made: Made, tmp_path: Path) -> None:
    package, keys = tmp_path / "package.zip", tmp_path / "keys.json"
    package.write_bytes(made.data)
    keys.write_text(
        f'[{{"public_key": "{"0" * 64}"}}, {{"public_key": "{made.public_key.hex()}"}}]'
    )
    passed = verify(str(package), "--key", str(keys), folder=tmp_path)
    assert (passed.returncode, passed.stderr) == (0, "")
    assert "Nothing differs: 2 files" in passed.stdout
    package.write_bytes(made.data.replace(b"PICTURE", b"PICTUR3"))
    failed = verify(str(package), "--key", made.public_key.hex(), folder=tmp_path)
    assert failed.returncode == 1
    assert "frame.jpg: its content is not what was signed." in failed.stdout
    for wrong in (["nowhere.zip", "--key", str(keys)], [str(package), "--key", str(package)]):
        assert verify(*wrong, folder=tmp_path).returncode == 2
