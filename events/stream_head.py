"""How far the stream has come; its row is the lock of all that writes counts."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class StreamHead(models.Model):
    """The newest position given out: one row, and the lock that admits one dispatcher at a time."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="stream_has_one_head")]

    def __str__(self) -> str:
        return f"head {self.position}"

    @classmethod
    def current(cls) -> int:
        """Return the newest position that any reader may have seen."""
        head = cls.objects.first()
        return 0 if head is None else head.position

    @classmethod
    def locked(cls) -> StreamHead | None:
        """Return the head locked until the transaction ends; None while another holds the lock."""
        return cls.objects.select_for_update(skip_locked=True).first()
