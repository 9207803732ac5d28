from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from events.models import KnownPlate
from events.search import similar
from events.search.similar import compare, look_alikes
from events.stream.dispatch import dispatch
from events.tests.rows import make_event
from sensors.tests.factories import make_sensor

URL = "/api/v1/events"


def store(*plates: str) -> None:
    sensor = make_sensor()
    for plate in plates:
        make_event(plate, sensor)
    dispatch()


@pytest.mark.main_path
def test_look_alikes_are_found_with_score_and_reason(api: APIClient) -> None:
    store("AB12 CDE", "A812CDE", "AB12CD", "XY99ZZZ", "AB12CDEF")
    make_event("AB1ZCDE")  # not dispatched yet
    response = api.get(URL, {"similar": "ab12-cde"})
    assert response.status_code == 200
    results = response.json()["results"]
    assert {event["plate"]: event["match"] for event in results} == {
        "AB12 CDE": {"score": 1.0, "reason": "exact"},
        "A812CDE": {"score": 0.986, "reason": "look-alike: 8 for B"},
        "AB1ZCDE": {"score": 0.986, "reason": "look-alike: Z for 2"},
        "AB12CD": {"score": 0.914, "reason": "one character missing"},
        "AB12CDEF": {"score": 0.914, "reason": "one character added"},
    }
    assert [event["id"] for event in results] == sorted(
        (event["id"] for event in results), reverse=True
    )


def test_look_alikes_combine_with_filters_and_pages(api: APIClient) -> None:
    store("AB12CDE", "A812CDE", "AB12CD")
    other = make_event("AB12CDE", confidence=0.2)
    page = api.get(URL, {"similar": "AB12CDE", "min_confidence": "0.5", "limit": "2"}).json()
    rest = api.get(page["next"]).json()
    shown = page["results"] + rest["results"]
    assert len(shown) == 3
    assert other.pk not in [event["id"] for event in shown]
    assert all("match" in event for event in shown)


def test_search_takes_a_fixed_number_of_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    store(*(f"AB12CD{letter}" for letter in "ABCDEFGHJK"))
    with django_assert_num_queries(3):
        assert len(api.get(URL, {"similar": "AB12CDE"}).json()["results"]) == 10


@pytest.mark.parametrize(
    ("wanted", "read", "reason"),
    [
        ("ABC123", "ABC123", "exact"),
        ("O0Q", "0DO", "look-alike: 0 for O, D for 0, O for Q"),
        ("ABC123", "ABC124", "swapped: 4 for 3"),
        ("ABC124", "ABC12A", "swapped: A for 4"),
        ("FHG521", "FHG5", "two characters missing"),
        ("AB12CDE", "A812CD", "look-alike: 8 for B; one character missing"),
        ("ABCDEF", "XYABCDE", "one character missing; two characters added"),
        ("ABCDEFG", "BCDEFGH", "one character added; one character missing"),
        ("ABCD", "ABCDXYZ", "3 characters added"),
    ],
)
def test_reason_says_what_differs(wanted: str, read: str, reason: str) -> None:
    assert compare(wanted, read).reason == reason


def test_likelier_misreads_score_higher() -> None:
    reads = ["AB12CDE", "A812CDE", "AB124DE", "AB12CD", "AB12XDE"]
    scores = [compare("AB12ADE" if read == "AB124DE" else "AB12CDE", read).score for read in reads]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)
    assert compare("A", "XYZ").score == 0


@pytest.mark.main_path
@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ("ABC123", "XBC123"),
        ("ABC123", "ABC12"),
        ("ABC123", "XABC123"),
        ("ABC123", "A1BC123"),
        ("AB1", "A1"),
        ("A1", "A"),
        ("A1", "7A1"),
        ("ÄÖ12", "ÄX12"),
        ("ЖЩЮ123", "ЖЩЮ1Ф3"),
        ("I640812", "1640X2"),
        ("0594AB", "IR0594AB"),
        ("NTGUILTY", "NTGUHTY"),
        ("ABCD1234", "ABCDX2Y4"),
    ],
)
def test_near_miss_is_found(db: None, wanted: str, read: str) -> None:
    store(read)
    assert read in look_alikes(wanted)


@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ("AB1", "XY1"),  # two swaps
        ("ABCD1", "ABC"),  # two gaps in a short plate
        ("ABC1234", "ABCX2Y4"),  # two swaps below eight characters
        ("ABC123", "ABC123456"),
    ],
)
def test_what_is_too_far_off_is_not_found(db: None, wanted: str, read: str) -> None:
    store(read)
    assert read not in look_alikes(wanted)


def test_every_plate_within_one_edit_is_found_among_many(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Even where the halves begin more plates than are read.
    monkeypatch.setattr(similar, "MAX_CANDIDATES", 300)
    plates = [f"ABC{n:03}" for n in range(1000)]
    store(*plates)
    found = {plate for plate, match in look_alikes("ABC555").items() if match.score > 0.8}
    one_edit = {p for p in plates if sum(a != b for a, b in zip(p, "ABC555", strict=True)) < 2}
    assert one_edit <= found


def test_best_plates_are_kept_when_there_are_too_many(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "MAX_PLATES", 2)
    store("AB12CDE", "AB12CD", "A812CDE", "AB12CDX")
    assert list(look_alikes("AB12CDE")) == ["AB12CDE", "A812CDE"]


def test_known_plates_hold_each_plate_once(db: None) -> None:
    store("AB12CDE", "AB 12 CDE", "ab12cde")
    [known] = KnownPlate.objects.all()
    assert (known.plate, known.key, known.key_reversed) == ("AB12CDE", "A812C0E", "E0C218A")


def test_look_alikes_of_nothing_known_are_the_plate_itself(db: None) -> None:
    matches: dict[str, Any] = dict(look_alikes("AB12CDE"))
    assert [match.reason for match in matches.values()] == ["exact"]
