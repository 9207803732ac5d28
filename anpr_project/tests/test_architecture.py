"""Rules of the layout that no linter holds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = sorted(
    config.name
    for config in apps.get_app_configs()
    if Path(config.path).parent == ROOT and config.name != "anpr_project"
)
SOURCES = sorted(path for name in [*APPS, "anpr_project"] for path in (ROOT / name).rglob("*.py"))
MAX_LINES = 300
# Names that say nothing: what is in them belongs where its noun or verb is.
NAMELESS = {
    *("utils", "util", "helpers", "helper", "common", "misc", "shared", "services", "service"),
    *("selectors", "manager", "managers", "signals", "tasks", "base_classes"),
}
# The wiring of the project, which may use everything; what is not in it is lib, for everybody.
NOT_WIRING = {"formats", "lib", "migrations", "__init__", "apps", "settings"}


def contract() -> list[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        configuration: dict[str, Any] = tomllib.load(file)["tool"]["importlinter"]
    first = configuration["contracts"][0]
    assert first["type"] == "layers"
    return [
        name.strip() for layer in first["layers"] for name in layer.replace("|", ":").split(":")
    ]


def test_the_apps_are_found() -> None:
    assert {"cameras", "events", "exporters", "sensors", "zones"} <= set(APPS)
    assert len(SOURCES) > 50


@pytest.mark.parametrize("app", APPS)
def test_every_app_has_its_place_in_the_direction_of_imports(app: str) -> None:
    assert app in contract()


def test_all_the_wiring_is_on_top_of_it() -> None:
    modules = {path.stem for path in (ROOT / "anpr_project").iterdir() if path.suffix == ".py"}
    folders = {path.parent.name for path in (ROOT / "anpr_project").glob("*/__init__.py")}
    listed = {name.removeprefix("anpr_project.") for name in contract()}

    assert (modules | folders) - NOT_WIRING - listed == set()


@pytest.mark.parametrize("app", APPS)
def test_every_app_has_tests(app: str) -> None:
    assert list((ROOT / app / "tests").glob("test_*.py"))


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}

    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = {path for path in SOURCES if {path.stem, path.parent.name} & NAMELESS}

    assert named == set()


def test_every_module_says_in_a_sentence_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.name not in ("__init__.py", "apps.py")
        and not {"migrations", "management", "tests"} & set(path.parts)
        and not path.read_text().startswith('"""')
    ]

    assert silent == []


def test_the_import_contracts_are_kept() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists() and shutil.which("lint-imports") is None:
        pytest.skip("import-linter is not installed here")

    result = subprocess.run(
        [str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr
