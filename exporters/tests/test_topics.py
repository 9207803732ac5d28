from __future__ import annotations

import re

import pytest

from exporters.transports.topics import (
    check_kafka_topic,
    check_topic,
    check_topic_template,
    fill_topic,
    topic_value,
)

HOSTILE = [
    "",
    "+",
    "#",
    "a/b",
    "$SYS",
    "AB\x00C",
    "AB\nC",
    "Ä",
    "x" * 65,
    "../..",
    "{plate}",
    "\ud800",
]


@pytest.mark.parametrize("value", ["AB12CDE", "3", "0d3c-uuid_1", "x" * 64])
def test_harmless_value_stays_as_it_is(value: str) -> None:
    assert topic_value(value) == value


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_hostile_value_becomes_a_short_hash(value: str) -> None:
    assert re.fullmatch("_[0-9a-f]{12}", topic_value(value))


def test_different_hostile_values_stay_different() -> None:
    assert len({topic_value(value) for value in HOSTILE}) == len(HOSTILE)


def test_template_is_filled_with_harmless_values_only() -> None:
    fields = {"camera": "3", "plate": "a/{camera}/#"}
    topic = fill_topic("anpr/{camera}/{plate}/{zone}", fields)
    level = "_[0-9a-f]{12}"
    assert re.fullmatch(f"anpr/3/{level}/{level}", topic)
    check_topic(topic)


@pytest.mark.parametrize(
    "template",
    ["anpr", "anpr/{camera}/{plate}", "{event_id}", "a/{zone}-{sensor}_{region}", "straße/{plate}"],
)
def test_good_template_passes(template: str) -> None:
    check_topic_template(template)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("", "empty"),
        ("anpr/{make}", "{make}"),
        ("anpr/{}", "{}"),
        ("anpr/{plate!r}", "{plate!r}"),
        ("anpr/{plate.__class__}", "__class__"),
        ("anpr/{plate", "partner"),
        ("anpr/}{", "partner"),
        ("anpr/+/x", "U+002B"),
        ("anpr/#", "U+0023"),
        ("anpr/\x00", "U+0000"),
        ("anpr/\n", "U+000A"),
        ("anpr/\x9f", "U+009F"),
        ("anpr/\ud800", "U+D800"),
        ("$SYS/{plate}", "broker"),
        ("$share/group/x", "broker"),
        ("/anpr", "level"),
        ("anpr//x", "level"),
        ("anpr/", "level"),
        ("x" * 449 + "{plate}", "512"),
        ("ä" * 257, "512"),
    ],
    ids=ascii,
)
def test_bad_template_is_refused_with_the_reason(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        check_topic_template(template)


def test_template_may_just_reach_the_limit() -> None:
    check_topic_template("x" * 448 + "{plate}")


def test_fixed_topic_has_no_placeholders_but_the_same_limits() -> None:
    check_topic("anpr/status")
    with pytest.raises(ValueError, match="512"):
        check_topic("x" * 513)
    with pytest.raises(ValueError, match="placeholders"):
        check_topic("anpr/{camera}")


@pytest.mark.parametrize("name", ["plates", "anpr.plates-1_x", "x" * 249])
def test_good_kafka_topic_passes(name: str) -> None:
    check_kafka_topic(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a b", "anpr/plates", "{plate}", "ä", "x" * 250, "plates\n"], ids=ascii
)
def test_bad_kafka_topic_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="249"):
        check_kafka_topic(name)
