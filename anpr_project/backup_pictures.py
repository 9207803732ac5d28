"""Copies pictures between their store and the folder of a backup; those that are there stay."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from events.pictures.stores import picture_store
from events.pictures.stores.base import parse_hour

# At a time: an object storage takes tens of milliseconds for each, and a disk syncs several at once.
COPIES = 8
T = TypeVar("T")


def save(folder: Path) -> None:
    """Copy what the store has and the folder has not."""
    store = picture_store()

    def copy(name: str) -> None:
        copied = folder / name
        # Retention may be here at the same time.
        with suppress(FileNotFoundError):
            if not copied.exists():
                _write_whole(copied, store.get(name))

    for hour in store.hours():
        # A name with a dot in front is a picture on its way.
        names = [file.name for file in store.files_of(hour) if "/." not in file.name]
        _at_once(copy, names)


def bring_back(folder: Path) -> None:
    """Copy what the folder has and the store has not, or not whole since the last try."""
    store = picture_store()

    def copy(file: Path) -> None:
        name, data = str(file.relative_to(folder)), file.read_bytes()
        if there.get(name) == len(data):
            return
        if name in there:
            store.delete([name])
        store.put({name: data})

    for below in sorted(folder.glob("*/*/*/*/")):
        hour = parse_hour(str(below.relative_to(folder)))
        if hour is None:
            continue
        there = {file.name: file.size for file in store.files_of(hour)}
        _at_once(copy, (file for file in below.iterdir() if not file.name.startswith(".")))


def _at_once(copy: Callable[[T], None], files: Iterable[T]) -> None:
    with ThreadPoolExecutor(COPIES) as pool:
        for copied in [pool.submit(copy, file) for file in files]:
            copied.result()


def _write_whole(file: Path, data: bytes) -> None:
    """A file has its name only when it is whole and on the disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    with part.open("wb") as written:
        written.write(data)
        written.flush()
        os.fsync(written.fileno())
    part.rename(file)
