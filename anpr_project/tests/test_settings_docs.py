"""Every setting that the code reads is in .env.example and explained in docs/settings.md."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
READS = (
    re.compile(r"\benv\.[a-z]+\(\s*\"([A-Z_]+)\""),
    re.compile(r"os\.environ(?:\.get\(|\.setdefault\(|\[)\s*\"([A-Z_]+)"),
    re.compile(r"\"([A-Z_]+)\" (?:not )?in os\.environ"),
)
# Set by our own code for libraries, not by an operator.
INTERNAL = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "PYTHONPATH"}


def names_that_the_code_reads() -> set[str]:
    apps = [ROOT / app for app in settings.INSTALLED_APPS if (ROOT / app).is_dir()]
    files = [path for app in apps for path in app.rglob("*.py") if "tests" not in path.parts]
    texts = [path.read_text() for path in [*files, ROOT / "manage.py"]]
    return {name for text in texts for read in READS for name in read.findall(text)} - INTERNAL


def names_that_compose_reads() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text()))


def listed() -> set[str]:
    return set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def documented() -> dict[str, str]:
    rows = re.findall(r"^\| `([A-Z_]+)` \|(.*)$", (ROOT / "docs/settings.md").read_text(), re.M)
    return dict(rows)


def test_the_search_finds_settings_at_all() -> None:
    assert {"DEBUG", "RETENTION_DAYS", "DJANGO_SUPERUSER_PASSWORD"} <= names_that_the_code_reads()
    assert "TRUSTED_PROXIES" in names_that_compose_reads()


def test_example_lists_what_is_read_and_nothing_else() -> None:
    assert listed() == names_that_the_code_reads() | names_that_compose_reads()


def test_every_setting_is_documented_with_a_default() -> None:
    assert set(documented()) == listed()
    for name, row in documented().items():
        default = row.split("|")[0].strip()
        assert default, f"{name} has no default in docs/settings.md"


def test_example_changes_nothing_when_copied() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
