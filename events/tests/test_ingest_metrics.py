from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY, generate_latest

from events.tests.conftest import Sender
from events.tests.factories import picture, reading

Count = Callable[..., float]


@pytest.fixture
def count() -> Count:
    """Return by how much a sample has grown since the test began."""

    def value(name: str, labels: dict[str, str]) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    before = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
    }
    return lambda name, **labels: (
        value(name, labels) - before.get((name, *sorted(labels.items())), 0.0)
    )


def test_ingest_counts_what_became_of_each_request(sender: Sender, count: Count) -> None:
    body, frame = reading(), picture()
    sender.send(body, frame=frame)
    sender.send(body, frame=frame)
    sender.send(body | {"plate": "OTHER1"})
    sender.send(reading(), frame=b"GIF89a")
    sender.post(json.dumps(reading(confidence=7)))
    for code, times in (("201", 1), ("200", 1), ("422", 1), ("415", 1), ("400", 1)):
        assert count("anpr_ingest_requests_total", code=code) == times
    for reason in ("content_differs", "not_an_image", "invalid"):
        assert count("anpr_ingest_rejected_total", reason=reason) == 1
    assert count("anpr_ingest_events_total") == 1
    assert count("anpr_ingest_duplicates_total") == 1
    assert count("anpr_ingest_bytes_total") > 2 * len(frame)
    assert count("anpr_ingest_duration_seconds_count") == 5
    assert b"OTHER1" not in generate_latest(REGISTRY)


def test_batch_counts_each_event(sender: Sender, count: Count) -> None:
    event = reading()
    sender.post(
        json.dumps([event, event, reading(confidence=7)]),
        path="/api/v1/events/ingest/batch",
    )
    assert count("anpr_ingest_events_total") == 1
    assert count("anpr_ingest_duplicates_total") == 1
    assert count("anpr_ingest_rejected_total", reason="invalid") == 1
    assert count("anpr_ingest_bytes_total") > 300
