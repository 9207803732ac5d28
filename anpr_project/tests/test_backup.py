"""manage.py backup and restore: what they refuse, and the embedded shape. (The drill: test_ledger.)"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from anpr_project.backup import LEAP
from anpr_project.tests.running import environment, manage
from events.tests.object_storage import object_storage

pytestmark = pytest.mark.django_db


def run(data: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command on an embedded installation of its own."""
    return subprocess.run(
        manage(*arguments),
        env=environment(data) | more,
        capture_output=True,
        text=True,
        check=False,
    )


def head(data: Path) -> int:
    with sqlite3.connect(data / "anpr.sqlite3") as database:
        (position,) = database.execute("SELECT position FROM events_streamhead").fetchone()
    return int(position)


def test_embedded_installation_comes_back_with_later_positions(tmp_path: Path) -> None:
    old, new, folder = tmp_path / "old", tmp_path / "new", str(tmp_path / "backup")
    assert run(old, "migrate").returncode == 0
    picture = old / "uploads" / "2026" / "11" / "22" / "08" / "a-frame.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"picture")
    picture.with_name(".b-frame.png.part").write_bytes(b"half")

    assert run(old, "backup", folder).returncode == 0
    restored = run(new, "restore", folder)

    assert (restored.returncode, restored.stdout) == (0, "Restored.\n"), restored.stderr
    assert head(new) == head(old) + LEAP
    files = [path for path in (new / "uploads").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [b"picture"]
    again = run(new, "restore", folder)
    assert again.returncode == 1
    assert "Restore into an empty one" in again.stderr


def test_pictures_of_an_object_storage_are_saved_and_brought_back(tmp_path: Path) -> None:
    old, new, folders = tmp_path / "old", tmp_path / "new", [tmp_path / name for name in "123"]
    assert run(old, "migrate").returncode == 0
    names = [f"2026/11/22/0{hour}/{number}-crop.png" for hour in (7, 8) for number in range(3)]
    for name in names:
        (old / "uploads" / name).parent.mkdir(parents=True, exist_ok=True)
        (old / "uploads" / name).write_bytes(name.encode())
    assert run(old, "backup", str(folders[0])).returncode == 0

    with object_storage("pictures") as (url, client):
        storage = {"S3_BUCKET": "pictures", "S3_ENDPOINT_URL": url, "S3_REGION": "us-east-1"}
        storage |= {"S3_ACCESS_KEY_ID": "id", "S3_SECRET_ACCESS_KEY": "secret"}
        # What an earlier try left behind half written is written anew.
        client.put_object(Bucket="pictures", Key=names[0], Body=b"2026")
        restored = run(new, "restore", str(folders[0]), **storage)
        assert (restored.returncode, restored.stdout) == (0, "Restored.\n"), restored.stderr
        found = client.list_objects_v2(Bucket="pictures")["Contents"]
        assert [one["Key"] for one in found] == names
        assert run(new, "backup", str(folders[1]), **storage).returncode == 0
        assert run(new, "backup", str(folders[2]), "--without-pictures", **storage).returncode == 0

    assert {name: (folders[1] / "pictures" / name).read_text() for name in names} == {
        name: name for name in names
    }
    assert not (folders[2] / "pictures").exists()


def test_damaged_backup_is_refused(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backup"
    assert run(data, "migrate").returncode == 0
    assert run(data, "backup", str(folder)).returncode == 0
    with (folder / "database.sqlite3").open("ab") as dump:
        dump.write(b"x")

    refused = run(tmp_path / "new", "restore", str(folder))

    assert refused.returncode == 1
    assert "SHA-256 differs" in refused.stderr


def test_folder_without_a_backup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no whole backup"):
        call_command("restore", str(tmp_path))
    with pytest.raises(CommandError, match="--finish"):
        call_command("restore")


def test_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.environ.get("POSTGRES_SERVER"):
        pytest.skip("SQLite needs no tool")
    with pytest.raises(CommandError, match="pg_dump was not found"):
        call_command("backup", str(tmp_path / "backup"), postgres_tools=tmp_path)
