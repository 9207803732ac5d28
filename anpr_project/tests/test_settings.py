"""The settings as a whole: what they demand, derive and refuse; and the secrets made for them."""

from __future__ import annotations

import json
import runpy
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from anpr_project import settings as settings_module
from anpr_project.lib.own_secrets import FILE_NAME, NAMES, load_or_create

KEPT = {"PATH", "HOME", "TMPDIR", "LANG"}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that runs settings.py with exactly this environment."""

    def run(**environment: str) -> dict[str, Any]:
        import os

        for name in set(os.environ) - KEPT:
            monkeypatch.delenv(name)
        for name, value in {"DATA_DIR": str(tmp_path), **environment}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(settings_module.__file__))

    return run


POSTGRES = {"POSTGRES_SERVER": "db", "SECRET_KEY": "s" * 60}


def test_nothing_set_is_sqlite_without_redis(load: Any, tmp_path: Path) -> None:
    made = load()

    database = made["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["NAME"] == tmp_path / "anpr.sqlite3"
    assert made["REDIS"] == {}
    assert "InMemory" in made["CHANNEL_LAYERS"]["default"]["BACKEND"]
    assert (made["DEBUG"], made["API_DOCS"], made["ENABLE_METRICS"]) == (False, False, False)
    assert made["UPLOAD_DIR"] == tmp_path / "uploads"


def test_postgres_and_redis_are_taken_from_the_environment(load: Any) -> None:
    made = load(**POSTGRES, POSTGRES_PORT="6000", REDIS_HOST="cache", REDIS_PASSWORD="p")

    database = made["DATABASES"]["default"]
    assert (database["HOST"], database["PORT"]) == ("db", 6000)
    assert made["REDIS"]["host"] == "cache"
    assert made["REDIS"]["password"] == "p"
    assert "redis" in made["CHANNEL_LAYERS"]["default"]["BACKEND"].lower()


def test_debug_brings_documentation_and_metrics(load: Any) -> None:
    made = load(DEBUG="1")

    assert (made["API_DOCS"], made["ENABLE_METRICS"]) == (True, True)


def test_secrets_survive_a_restart(load: Any) -> None:
    first, second = load(), load()

    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["ENCRYPTION_KEYS"] == second["ENCRYPTION_KEYS"]


def test_postgres_demands_a_secret_key_of_the_operator(load: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY must be set"):
        load(POSTGRES_SERVER="db")


def test_cross_site_access_is_what_cors_origins_says(load: Any) -> None:
    made = load(CORS_ORIGINS="https://map.example")

    assert made["CORS_ALLOWED_ORIGINS"] == ["https://map.example"]
    assert made["CSRF_TRUSTED_ORIGINS"] == ["https://map.example"]
    assert made["CORS_ALLOW_CREDENTIALS"] is True
    assert load()["CORS_ALLOWED_ORIGINS"] == []


def test_https_hardens_cookies_and_redirects(load: Any) -> None:
    made = load(HTTPS="1")

    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT"):
        assert made[name] is True
    assert made["SECURE_HSTS_SECONDS"] > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "perhaps"),
        ("PORT", "99999"),
        ("RETENTION_DAYS", "0"),
        ("MIN_FREE_MB", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("EXPORT_ALLOW_NETWORKS", "lan"),
        ("CORS_ORIGINS", "map.example"),
        ("ENCRYPTION_KEYS", "short"),
        ("REDIS_PORT", "x"),
        ("ENABLE_METRICS", "2"),
        ("ALLOWED_HOSTS", "https://anpr.example"),
        ("POSTGRES_SERVER", "postgres://db"),
        # Of PostgreSQL, also where it is not used: one day it will be.
        ("POSTGRES_PORT", "x"),
        ("DB_POOL_SIZE", "0"),
        ("REDIS_HOST", "redis://cache"),
        ("S3_ENDPOINT_URL", "objects.example"),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(load: Any, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name}"):
        load(**{name: value})


def test_a_data_folder_that_cannot_be_used_is_named(load: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ImproperlyConfigured, match=r"^DATA_DIR=.*Not a directory"):
        load(DATA_DIR=str(tmp_path / "file" / "var"))


def test_own_secrets_are_for_the_owner_only(tmp_path: Path) -> None:
    made = load_or_create(tmp_path / "var")

    file = tmp_path / "var" / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == made
    assert len(made["SECRET_KEY"]) >= 50
    Fernet(made["ENCRYPTION_KEYS"])
    assert [path.name for path in file.parent.iterdir()] == [FILE_NAME]


def test_processes_that_start_at_once_agree_on_their_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(load_or_create, [tmp_path] * 8))

    assert all(secrets == made[0] for secrets in made)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"SECRET_KEY": "x"}', "null", "\x00"])
def test_damaged_secrets_stop_the_start_and_are_not_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / FILE_NAME
    file.write_text(content)

    with pytest.raises(ImproperlyConfigured, match="is damaged: restore it"):
        load_or_create(tmp_path)

    assert file.read_text() == content
    assert NAMES == ("SECRET_KEY", "ENCRYPTION_KEYS")
