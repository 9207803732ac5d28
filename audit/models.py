"""Who looked at what, who changed what, and why: rows that are only ever added."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform


class Action(models.TextChoices):
    SEARCH = "search", "searched events"
    READ = "read", "read an event"
    PICTURE = "picture", "saw a picture"
    ORIGINAL = "original", "took an original picture"
    STATISTICS = "statistics", "read statistics"
    WATCH = "watch", "watched the stream"
    DOWNLOAD = "download", "downloaded events"
    EVIDENCE = "evidence", "took an evidence package"
    COPY = "copy", "took a copy of all about a plate"
    ERASURE = "erasure", "asked for an erasure"
    ERASED = "erased", "erased events"
    CREATED = "created", "created"
    CHANGED = "changed", "changed"
    DELETED = "deleted", "deleted"


class Channel(models.TextChoices):
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word, no secret
    LINK = "link", "signed link"
    COMMAND = "command"


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def unsealed(self) -> Self:
        """Committed, but not yet a link of the chain; oldest first."""
        return self.filter(sequence=None).order_by("id")

    def chained(self) -> Self:
        return self.exclude(sequence=None).order_by("sequence")


class AuditEntry(models.Model):
    """One look or one change. The worker seals it into the chain (audit/chain.py)."""

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, help_text="id of the user; kept when it is gone")
    actor = models.CharField(max_length=150, blank=True, help_text="name of the user at that time")
    channel = models.CharField(max_length=8, choices=Channel)
    address = models.CharField(max_length=45, blank=True)
    action = models.CharField(max_length=12, choices=Action)
    # The query's parameters, the event's id, or the changed fields: with secrets masked.
    subject = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True)
    found = models.IntegerField(null=True, help_text="events that were shown")
    sequence = models.BigIntegerField(null=True, help_text="place in the chain")
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, blank=True)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name_plural = "audit entries"
        constraints = [
            models.UniqueConstraint(fields=["sequence"], name="audit_sequence_is_unique"),
        ]
        indexes = [
            # What the worker has to seal next: empty but for the last second.
            models.Index(fields=["id"], condition=Q(sequence=None), name="audit_unsealed"),
            # What one person did, newest first.
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            # Who looked at one event: an evidence package says so.
            models.Index(KeyTransform("event", "subject"), name="audit_by_event"),
            # Which packages were taken: few among many looks.
            models.Index(fields=["id"], condition=Q(action="evidence"), name="audit_packages"),
        ]

    def __str__(self) -> str:
        return f"audit entry {self.pk}"
