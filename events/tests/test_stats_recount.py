from __future__ import annotations

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from events.models import PlateEvent, Rollup
from events.statistics.rollups import remove_events
from events.tests.recount import Traffic, get, recount, reported


@pytest.mark.main_path
@pytest.mark.parametrize("seed", range(3))
def test_statistics_equal_a_recount_whatever_happened(api: APIClient, seed: int) -> None:
    traffic = Traffic(seed)
    for step in range(12):
        traffic.arrive(25)
        traffic.dispatch_some()
        if step % 3 == 2:
            traffic.remove_some()
        for _ in range(3):
            start, end, bucket, query = traffic.question()
            span = {"from": start.isoformat(), "to": end.isoformat(), "bucket": bucket}
            body = get(api, **span, **query)
            assert reported(body) == recount(start, end, bucket, query), (span, query)
            assert not body["unique_plates_approximate"]
    assert Rollup.objects.exists()
    with transaction.atomic():
        everything = list(PlateEvent.objects.all())
        remove_events(everything)
    assert not Rollup.objects.exists()
