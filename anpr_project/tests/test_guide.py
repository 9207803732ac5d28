"""docs/api.md and README.md: the programs in them run, the files and addresses in them exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import resolve
from pytest_django.live_server_helper import LiveServer

from events.filters import PARSERS
from events.models import PlateEvent
from events.tests.factories import picture
from sensors.models import SensorKey
from sensors.tests.factories import make_sensor

ROOT = Path(settings.BASE_DIR)
GUIDE = (ROOT / "docs" / "api.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
# Made by hand from a running installation, and so not there before the first one ran.
PICTURES = {"docs/screenshots/live.png"}


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_the_programs_of_the_guide_store_an_event(
    live_server: LiveServer, tmp_path: Path, number: int
) -> None:
    _, key = SensorKey.create_for(make_sensor())
    program = PROGRAMS[number].replace("http://127.0.0.1:8000", live_server.url)
    program = program.replace("anpr_sk_…", key)
    (tmp_path / "frame.jpg").write_bytes(picture())

    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert result.returncode == 0, result.stderr
    event = PlateEvent.objects.get()
    assert event.plate_normalized == "AB12CDE"
    assert str(event.pk) in result.stdout


def test_the_guide_names_every_filter() -> None:
    named = set(re.findall(r"`(\w+)`", GUIDE))

    assert PARSERS.keys() - named == set()


def test_the_guide_names_every_address_that_it_uses_rightly() -> None:
    addresses = {
        address.replace("{id}", "1").replace("{key_id}", "a")
        for address in re.findall(
            r"(?<=[ `0])(/api/v1/[a-z0-9/{}_]+|/(?:health|ready|liveness))", GUIDE
        )
    } - {"/api/v1/events/stream"}

    assert len(addresses) > 8
    for address in addresses:
        resolve(address)


@pytest.mark.parametrize(
    "document", ["README.md", *[f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md")]]
)
def test_links_between_the_documents_lead_somewhere(document: str) -> None:
    path = ROOT / document
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())

    broken = {target for target in targets if not (path.parent / target).exists()}
    assert broken - PICTURES == set()
