"""The container files say what the code and the documentation promise; no engine is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from anpr_project.processes import NAMES

ROOT = Path(settings.BASE_DIR)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ["migrate", *NAMES]


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def test_the_shape_is_complete() -> None:
    assert set(SERVICES) == {"postgres", "redis", "proxy", *OURS}
    assert SERVICES["postgres"]["image"].startswith("postgres:16")
    assert SERVICES["redis"]["image"].startswith("redis:7")


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened_and_its_log_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert "healthcheck" in service
    assert not service.get("privileged")


@pytest.mark.parametrize("name", OURS)
def test_our_containers_start_the_process_of_their_name(name: str) -> None:
    service = SERVICES[name]
    assert service["command"] == ["python", "manage.py", "serve", "--only", name]
    assert service["stop_grace_period"] == "30s"


@pytest.mark.parametrize(
    "secret", ["SECRET_KEY", "ENCRYPTION_KEYS", "POSTGRES_PASSWORD", "REDIS_PASSWORD"]
)
def test_secrets_have_no_default(secret: str) -> None:
    text = (ROOT / "compose.yaml").read_text()
    uses = re.findall(rf"\${{{secret}(.)", text)
    assert uses
    assert set(uses) == {":"}
    assert f"${{{secret}:?" in text
    assert f"${{{secret}:-" not in text
    assert secret not in dockerfile()


def test_processes_start_after_the_migration_and_the_proxy_after_them() -> None:
    for name in NAMES:
        after = SERVICES[name]["depends_on"]
        assert after["migrate"] == {"condition": "service_completed_successfully"}
        assert after["postgres"] == {"condition": "service_healthy"}
    assert set(SERVICES["proxy"]["depends_on"]) == {"api", "stream"}


def test_only_the_proxy_is_reachable_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["proxy"]["ports"] == [
        "${PUBLISH:-8000}:8000",
        "${PUBLISH_METRICS:-127.0.0.1:9090}:9090",
    ]
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["back"]
    assert COMPOSE["networks"]["back"] == {"internal": True}


def test_proxy_is_told_where_the_processes_listen() -> None:
    environment = SERVICES["api"]["environment"]
    proxy = SERVICES["proxy"]["environment"]
    assert proxy["API_UPSTREAM"] == f"api:{environment['PORT']}"
    assert proxy["STREAM_UPSTREAM"] == f"stream:{environment['STREAM_PORT']}"
    worker = SERVICES["worker"]["environment"]
    assert proxy["WORKER_UPSTREAM"] == f"worker:{worker['METRICS_PORT']}"
    assert SERVICES["stream"]["environment"]["PROBE_PORT"] == environment["STREAM_PORT"]


def test_everything_that_must_last_is_on_a_volume() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert {mount.split(":")[0] for mount in mounts} == {*COMPOSE["volumes"], "./deploy/Caddyfile"}
    assert (
        f"uploads:{SERVICES['api']['environment']['UPLOAD_DIR']}" in SERVICES["worker"]["volumes"]
    )


def test_image_is_built_from_pinned_packages_and_runs_without_root() -> None:
    text = dockerfile()
    assert "--require-hashes" in text
    assert re.search(r"^USER anpr$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    assert text.index("USER anpr") < text.index("CMD [")


def test_image_holds_neither_secrets_nor_data() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", ".git", "var", ".venv"} <= set(ignored)
