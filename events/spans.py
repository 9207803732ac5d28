"""Spans of time for the statistics: buckets, and how a range is made of days, hours and rests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
# Longer than any month, shorter than any two.
_NEXT_MONTH = timedelta(days=32)


def as_utc(read: datetime) -> datetime:
    """Return a moment as a statement of our own read it: SQLite keeps UTC without saying so."""
    return read if read.tzinfo is UTC else read.replace(tzinfo=UTC)


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(moment: datetime) -> datetime:
    return hour_of(moment).replace(hour=0)


def week_of(moment: datetime) -> datetime:
    """Return the Monday, 00:00 UTC, in whose week the moment lies."""
    day = day_of(moment)
    return day - timedelta(days=day.weekday())


def month_of(moment: datetime) -> datetime:
    return day_of(moment).replace(day=1)


def month_after(moment: datetime) -> datetime:
    return month_of(month_of(moment) + _NEXT_MONTH)


@dataclass(frozen=True)
class Bucket:
    length: timedelta
    start_of: Callable[[datetime], datetime]

    def end_of(self, moment: datetime) -> datetime:
        """Return the first start of a bucket that is not before the moment."""
        start = self.start_of(moment)
        return start if start == moment else start + self.length


BUCKETS = {
    "hour": Bucket(HOUR, hour_of),
    "day": Bucket(DAY, day_of),
    "week": Bucket(WEEK, week_of),
}


@dataclass(frozen=True)
class Range:
    """From `start` to, but without, `end`."""

    start: datetime
    end: datetime

    def __bool__(self) -> bool:
        return self.start < self.end

    def buckets(self, bucket: Bucket) -> list[datetime]:
        """Return the starts of the buckets that the range touches."""
        first = bucket.start_of(self.start)
        return [first + number * bucket.length for number in range(self.bucket_count(bucket))]

    def bucket_count(self, bucket: Bucket) -> int:
        return -((bucket.start_of(self.start) - self.end) // bucket.length)

    def whole(self, bucket: Bucket) -> Range:
        """Return the part made of whole buckets; empty, at the start, if there is none."""
        return self._inner(bucket.end_of(self.start), bucket.start_of(self.end))

    def whole_months(self) -> Range:
        """Return the part made of whole months; empty, at the start, if there is none."""
        first = month_of(self.start)
        start = first if first == self.start else month_after(first)
        return self._inner(start, month_of(self.end))

    def with_months(self, is_all_of: Callable[[datetime], bool]) -> Range:
        """Return the range with the months at its ends whole, where it holds all that they have.

        So it is with the first month of all, and with this month, which has no future yet.
        """
        first, last = month_of(self.start), month_of(self.end)
        if first == last:
            return self
        start = first if first == self.start or is_all_of(first) else self.start
        end = month_after(last) if self.end != last and is_all_of(last) else self.end
        return Range(start, end)

    def _inner(self, start: datetime, end: datetime) -> Range:
        return Range(start, end) if start < end else Range(self.start, self.start)

    def months(self) -> Iterator[datetime]:
        """Yield the starts of the months that the range touches."""
        start = month_of(self.start)
        while start < self.end:
            yield start
            start = month_after(start)

    def without(self, inner: Range) -> list[Range]:
        """Return what lies before and after a part of this range."""
        return [
            part for part in (Range(self.start, inner.start), Range(inner.end, self.end)) if part
        ]
