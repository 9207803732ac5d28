"""Messages for transports under test, and the record of what became of each."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Sequence

from exporters.transports.base import Message, Outcome, Receipt, Transport, TransportError


def message(
    number: int, *, plate: str = "AB12CDE", body: bytes = b"", camera: str = "3"
) -> Message:
    fields = {"plate": plate, "camera": camera, "sensor": "5", "event_id": f"event-{number}"}
    return Message(id=f"message-{number}", body=body or f"body-{number}".encode(), fields=fields)


class Outcomes:
    """Starts messages, no more at once than the transport allows, and keeps every `done`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._slots = threading.Semaphore(transport.max_in_flight)
        self._changed = threading.Condition()
        self._by_id: dict[str, list[Outcome]] = {}

    def start(self, *messages: Message) -> None:
        for each in messages:
            assert self._slots.acquire(timeout=60)
            with self._changed:
                self._by_id[each.id] = []
            self._transport.start(each, functools.partial(self._done, each.id))

    def _done(self, message_id: str, outcome: Outcome) -> None:
        self._slots.release()
        with self._changed:
            self._by_id[message_id].append(outcome)
            self._changed.notify_all()

    def all(self, timeout: float = 30) -> list[Outcome]:
        """Wait for every outcome; assert that each message has exactly one."""
        with self._changed:
            assert self._changed.wait_for(lambda: all(self._by_id.values()), timeout)
        time.sleep(0.05)  # time for a second one, which would be wrong
        assert {len(outcomes) for outcomes in self._by_id.values()} == {1}
        return [outcomes[0] for outcomes in self._by_id.values()]

    def delivered(self, timeout: float = 30) -> int:
        """Wait for every outcome; assert that all are receipts, and return how many."""
        outcomes = self.all(timeout)
        assert [outcome for outcome in outcomes if not isinstance(outcome, Receipt)] == []
        return len(outcomes)

    def error(self, timeout: float = 30) -> TransportError:
        """Wait for the last started message's outcome, which must be an error."""
        outcome = self.all(timeout)[-1]
        assert isinstance(outcome, TransportError)
        return outcome


def wait_until(fact: Callable[[], bool], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not fact():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def texts(outcomes: Sequence[Outcome]) -> set[str]:
    return {str(outcome) for outcome in outcomes if isinstance(outcome, TransportError)}
