"""One commit for those who arrive together: whoever comes first takes along who waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from anpr_project.lib.errors import Unavailable

Item = TypeVar("Item")


class _Member(Generic[Item]):
    """A caller with its item; `turn` is free once it is done, or has to lead."""

    __slots__ = ("error", "is_done", "item", "turn")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.is_done = False
        self.error: Exception | None = None
        self.turn = Lock()
        self.turn.acquire()


class GroupCommit(Generic[Item]):
    """Calls `commit` with the items of all threads that wait, in one of these threads.

    Nobody waits for others to come: a lone caller commits at once, and while it does so the next
    ones gather. There is no thread that could die, or be lost in a fork.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Exception | None]]) -> None:
        """Take what commits and returns, for each item, its error or None."""
        self._commit = commit
        self._guard = Lock()
        self._waiting: list[_Member[Item]] = []
        self._is_busy = False

    @property
    def is_busy(self) -> bool:
        return self._is_busy

    @property
    def waiting(self) -> int:
        """How many will share the next commit."""
        return len(self._waiting)

    def __call__(self, item: Item) -> None:
        """Return when the item is committed; raise what became of it otherwise."""
        member = _Member(item)
        with self._guard:
            self._waiting.append(member)
            leads, self._is_busy = not self._is_busy, True
        if not leads:
            member.turn.acquire()
        if not member.is_done:
            self._lead()
        if member.error is not None:
            raise member.error

    def _lead(self) -> None:
        with self._guard:
            group, self._waiting = self._waiting, []
        errors: Sequence[Exception | None] | None = None
        try:
            errors = self._commit([member.item for member in group])
        except Exception as error:
            errors = [error] * len(group)
        finally:
            if errors is None:
                # This thread does not live to tell the others.
                errors = [Unavailable()] * len(group)
            for member, error_of_it in zip(group, errors, strict=True):
                member.error, member.is_done = error_of_it, True
            self._hand_over(group)

    def _hand_over(self, group: Sequence[_Member[Item]]) -> None:
        with self._guard:
            leaders = self._waiting[:1]
            self._is_busy = bool(leaders)
        # The leader itself is not waiting; that its lock is freed too harms nobody.
        for member in [*leaders, *group]:
            member.turn.release()
