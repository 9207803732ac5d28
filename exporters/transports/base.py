"""What every transport is: it gets bytes and a configuration, knows no model, and never retries."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import msgspec

from exporters.network import Network


class Message(msgspec.Struct, frozen=True):
    """One event for one sink; `id` is the same at every attempt."""

    id: str
    body: bytes
    # plate, camera, zone, sensor, region, event_id: for topics and keys; unsafe as they come.
    fields: Mapping[str, str]


class Receipt(msgspec.Struct, frozen=True):
    """The sink's word that it has the message."""

    code: int | None = None


class TransportError(Exception):
    """Why a message was not delivered, in words for the operator (never with a secret).

    `unreachable` says that the sink, not this message, is at fault: it counts for the circuit
    breaker. `retry_after` (seconds) is the sink's own wish. `gone` asks to disable the exporter.
    `permanent` says that the same message can never succeed.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        permanent: bool = False,
        unreachable: bool = False,
        retry_after: float | None = None,
        gone: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.permanent = permanent
        self.unreachable = unreachable
        self.retry_after = retry_after
        self.gone = gone


Outcome = Receipt | TransportError
Done = Callable[[Outcome], None]


class Transport(ABC):
    """One open way to one sink. `start()` may be called from one thread only."""

    # Types of the exporter's `config` and `auth`; the API, the admin and the transport share them.
    Config: ClassVar[type[msgspec.Struct]]
    Auth: ClassVar[Any]
    # How many messages may be under way at once.
    max_in_flight: int = 1

    @classmethod  # noqa: B027 - most transports have nothing to add
    def check(cls, config: Any, auth: Any) -> None:
        """Raise ValueError("field: problem") for what the types alone cannot refuse."""

    @abstractmethod
    def __init__(self, *, config: Any, auth: Any, timeout_s: float, network: Network) -> None:
        """Keep the settings; connect no earlier than at the first message."""

    @abstractmethod
    def start(self, message: Message, done: Done) -> None:
        """Send without waiting; call `done` exactly once, from any thread, with the outcome."""

    @abstractmethod
    def close(self) -> None:
        """Release everything; what is still under way is reported as a TransportError."""


class BlockingTransport(Transport):
    """A transport whose `send()` waits for the sink; several run side by side in threads."""

    def __init__(self, *, config: Any, auth: Any, timeout_s: float, network: Network) -> None:
        self.config, self.auth = config, auth
        self.timeout_s, self.network = timeout_s, network
        self._pool = ThreadPoolExecutor(self.max_in_flight, thread_name_prefix="send")

    @abstractmethod
    def send(self, message: Message) -> Receipt:
        """Deliver the message or raise TransportError."""

    def start(self, message: Message, done: Done) -> None:
        def run() -> None:
            try:
                outcome: Outcome = self.send(message)
            except TransportError as error:
                outcome = error
            except Exception as error:  # a bug must not swallow the message
                outcome = TransportError(f"unexpected {type(error).__name__}")
            done(outcome)

        self._pool.submit(run)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=False)
