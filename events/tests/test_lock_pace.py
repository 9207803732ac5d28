"""The dispatcher's lock is held for a moment, however much the rows of a transaction touch."""

from __future__ import annotations

from events.retention.lock_pace import AIM_S, LockPace


def test_rows_follow_what_the_last_ones_took() -> None:
    pace = LockPace(500, first=400)
    pace.follow(AIM_S * 4)
    assert pace.rows == 100
    pace.follow(AIM_S / 100)
    assert pace.rows == 150
    pace.follow(AIM_S)
    assert pace.rows == 150


def test_there_are_never_more_than_the_most_nor_so_few_that_the_work_stands() -> None:
    pace = LockPace(500, least=50)
    pace.follow(3600)
    assert pace.rows == 50
    for _ in range(50):
        pace.follow(0)
    assert pace.rows == 500
    assert LockPace(2).rows == 2
