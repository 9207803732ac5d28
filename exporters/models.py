"""What is delivered where, and who is at work delivering it."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

# A worker that was silent this long does not come back under its name.
FORGOTTEN_AFTER = timedelta(days=1)


class WorkerHeartbeat(models.Model):
    """The last sign of life of one worker, kept in the database so that every process can see it."""

    name = models.CharField(max_length=100, unique=True)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        verbose_name = "worker heartbeat"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def beat(cls, *, name: str, pid: int) -> None:
        """Say that worker `name` lives; another process under the name counts as a new start."""
        now = timezone.now()
        if cls.objects.filter(name=name, pid=pid).update(beat_at=now):
            return
        # Names hold the process id: without this every restart would leave a row behind.
        cls.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).delete()
        values = {"pid": pid, "started_at": now, "beat_at": now}
        cls.objects.update_or_create(name=name, defaults=values)
