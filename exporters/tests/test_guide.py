"""docs/exporters.md: every kind has its chapter and all its fields, and the receiver works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from django.conf import settings as django_settings
from pytest_django import Settings
from rest_framework.test import APIClient

from anpr_project.lib.tests.ports import free_port
from exporters.matching import Filters
from exporters.retry import RetryPolicy
from exporters.tests.brokers import wait_for_port
from exporters.tests.factories import SECRET, address, make_exporter
from exporters.transports.known import TRANSPORTS

GUIDE = (Path(django_settings.BASE_DIR) / "docs/exporters.md").read_text()
CHAPTERS = {chapter.partition("\n")[0].lower(): chapter for chapter in re.split("\n## ", GUIDE)[1:]}


def names(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize("kind", TRANSPORTS)
def test_every_field_of_every_kind_is_explained(kind: str) -> None:
    config = TRANSPORTS[kind].Config
    assert {name for name in names(config) if f"`{name}`" not in CHAPTERS[kind]} == set()
    for auth in TRANSPORTS[kind].Auth.__args__:
        tag = auth.__struct_config__.tag
        assert tag == "none" or f'"type": "{tag}"' in CHAPTERS[kind]
        assert {name for name in names(auth) if f'"{name}"' not in CHAPTERS[kind]} == set()


@pytest.mark.parametrize(("struct", "chapter"), [(Filters, "filters"), (RetryPolicy, "retries")])
def test_filters_and_retries_are_explained(struct: type[msgspec.Struct], chapter: str) -> None:
    assert {name for name in names(struct) if f"`{name}`" not in CHAPTERS[chapter]} == set()


def test_the_receiver_of_the_guide_verifies_and_knows_repeats(
    api: APIClient, settings: Settings
) -> None:
    settings.EXPORT_ALLOW_NETWORKS = ["127.0.0.0/8"]
    [program] = re.findall(r"```python\n(.*?)```", CHAPTERS["webhook"], re.DOTALL)
    port = free_port()
    receiver = subprocess.Popen(
        [sys.executable, "-u", "-c", program.replace("9000", str(port))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, receiver)
        config = {"url": f"http://127.0.0.1:{port}/"}
        auth = {"type": "signature", "secret": SECRET}
        good = api.post(address(make_exporter(auth, config=config), "test")).json()
        auth["secret"] = SECRET[:-4] + "AAAA"
        wrong = api.post(address(make_exporter(auth, config=config), "test")).json()
    finally:
        receiver.terminate()
        out, _ = receiver.communicate(timeout=10)
    assert (good["code"], wrong["code"]) == (204, 401)
    assert out.decode() == "plate_event.test TEST 123\n"
