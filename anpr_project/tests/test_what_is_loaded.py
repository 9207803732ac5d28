"""Each process loads what it uses, and no more: memory of all of them, and time until they are back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.admin.checks import check_admin_app
from django.contrib.admin.sites import all_sites
from django.urls import get_resolver

from anpr_project.tests.running import environment

DJANGO = "import django; django.setup()\n"
PAGES = {"rest_framework.views", "unfold.admin", "drf_spectacular.utils", "anpr_project.urls"}
# What is large and used now and then: for zones, statistics, models, secrets, /health.
RARE = {"shapely", "numpy", "datasketches", "jsonschema", "cryptography.fernet", "redis"}
# A process, what it imports until it waits for work, and what it must not have loaded then.
CASES = {
    "supervisor": ("import anpr_project.supervisor", {"django", "prometheus_client"}),
    "stream": (
        f"{DJANGO}import anpr_project.server, anpr_project.asgi, anpr_project.stream_urls",
        PAGES | RARE | {"confluent_kafka", "paho", "PIL"},
    ),
    "worker": (f"{DJANGO}import exporters.management.commands.deliver", PAGES | RARE | {"PIL"}),
    "api": ("import anpr_project.wsgi, anpr_project.urls", RARE | {"uvicorn"}),
}


@pytest.mark.parametrize("name", CASES)
def test_process_does_not_load_what_it_does_not_use(name: str, tmp_path: Path) -> None:
    code, unwanted = CASES[name]
    kind = "stream_settings" if name == "stream" else "settings"
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        env=environment(tmp_path, DJANGO_SETTINGS_MODULE=f"anpr_project.{kind}"),
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(told.stdout.split()) & unwanted == set()


def test_admin_pages_pass_their_checks_although_they_are_found_late() -> None:
    assert get_resolver().url_patterns
    assert all(len(site._registry) > 10 for site in all_sites)
    assert check_admin_app(None) == []
