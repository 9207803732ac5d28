"""Pictures and files for hostile uploads, made here: some good, most of them not what they say."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from PIL import Image

SCRIPT = b"<script>alert(document.domain)</script>"
PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def noise(chance: random.Random, mode: str = "RGB", size: tuple[int, int] = (40, 24)) -> Any:
    image = Image.frombytes("RGB", size, chance.randbytes(size[0] * size[1] * 3))
    return image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)


def saved(image: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif() -> Image.Exif:
    data = Image.Exif()
    data[0x0110], data[0x0112] = "Camera \x00 <b>", 6
    data.get_ifd(0x8825)[2] = (51.0, 30.0, 0.0)
    return data


def good(chance: random.Random) -> Iterator[bytes]:
    """Every kind of picture that cameras send, without end."""
    while True:
        size = chance.randint(1, 120), chance.randint(1, 120)
        for mode in ("L", "RGB", "CMYK"):
            quality = chance.randint(5, 95)
            yield saved(noise(chance, mode, size), "JPEG", quality=quality, progressive=True)
            yield saved(noise(chance, mode, size), "JPEG", quality=quality, exif=exif())
            yield saved(noise(chance, mode, size), "JPEG") + b"\x00" * chance.randint(1, 9)
        for mode in PNG_MODES:
            yield saved(noise(chance, mode, size), "PNG", compress_level=chance.randint(0, 9))
        yield saved(noise(chance, "RGB", size), "PNG", exif=exif())
        for mode in ("RGB", "RGBA"):
            yield saved(noise(chance, mode, size), "WEBP", lossless=chance.random() < 0.5)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, depth: int = 8, more: bytes = b"") -> bytes:
    """A PNG that claims a size; its pixels unfold from nearly nothing."""
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * min(width * height * 3, 2_000_000), 9)
    body = chunk(b"IHDR", header) + more + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (20, 20), (shade, 0, 0)) for shade in (0, 128, 255)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


def bad(chance: random.Random) -> dict[str, bytes]:
    """What is no single, whole, plain picture; each must be refused."""
    jpeg, picture = saved(noise(chance), "JPEG"), saved(noise(chance), "PNG")
    webp = saved(noise(chance), "WEBP")
    return {
        "bomb of 13,000 pixels": png(13_000, 13_000),
        "bomb of 60,000 pixels": png(60_000, 60_000),
        "bomb of all pixels": png(2**31 - 1, 2**31 - 1),
        "one long line": png(20_000, 1),
        "no pixels": png(0, 0),
        "text unfolds": png(10, 10, more=chunk(b"zTXt", b"a\0\0" + zlib.compress(SCRIPT * 9)))[:-8],
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "html": b"<!doctype html>" + SCRIPT,
        "gif": saved(noise(chance), "GIF"),
        "bmp": saved(noise(chance), "BMP"),
        "tiff": saved(noise(chance), "TIFF"),
        "ico": saved(noise(chance), "ICO"),
        "ppm": saved(noise(chance), "PPM"),
        "pdf": b"%PDF-1.4\n1 0 obj<</JS(app.alert(1))>>endobj",
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n{ } loop",
        "zip": b"PK\x03\x04" + b"\0" * 99,
        "elf": b"\x7fELF" + b"\0" * 99,
        "animated png": animated("PNG"),
        "animated webp": animated("WEBP"),
        "animated gif": animated("GIF"),
        "png and script": picture + SCRIPT,
        "jpeg and zip": jpeg + b"PK\x03\x04 a second file",
        "jpeg with a script inside": saved(noise(chance), "JPEG", comment=SCRIPT),
        "gif that is javascript": b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)",
        "webp and more": webp + b"more",
        "half a jpeg": jpeg[: len(jpeg) // 2],
        "half a png": picture[: len(picture) // 2],
        "half a webp": webp[: len(webp) // 2],
        "a start only": b"\xff\xd8\xff",
        "NULs": b"\0" * 5000,
        "text": "Köln 123".encode(),
    }
