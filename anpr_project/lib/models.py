"""Base of every configuration entity."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models, transaction


class InUse(Exception):
    """Raised when something that other rows refer to would be deleted."""

    def __init__(self, instance: models.Model, users: list[str]) -> None:
        self.instance = instance
        noun = instance._meta.verbose_name
        super().__init__(
            f"This {noun} is used by {', '.join(users)}. Disable it instead of deleting it."
        )


M = TypeVar("M", bound=models.Model, covariant=True)


class ConfigQuerySet(models.QuerySet[M]):
    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete one by one, all or none, so that no row in use slips through."""
        with transaction.atomic():
            return sum(row.delete()[0] for row in self), {}


ConfigManager = models.Manager.from_queryset(ConfigQuerySet)


class ConfigModel(models.Model):
    """An entity that an admin configures: it knows its age and cannot be deleted while in use.

    What must keep an entity alive refers to it with `on_delete=DO_NOTHING` (the database still
    holds the constraint). Django's own PROTECT would load every referring row, and a camera may
    have a million events.
    """

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConfigManager()

    class Meta:
        abstract = True

    def used_by(self) -> list[str]:
        """Return what refers to this row and must not lose it, as plural nouns."""
        users = []
        for relation in self._meta.related_objects:
            if relation.on_delete is not models.DO_NOTHING:
                continue
            rows = relation.related_model._default_manager.filter(**{relation.field.name: self})
            if rows.exists():
                users.append(str(relation.related_model._meta.verbose_name_plural))
        return users

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        users = self.used_by()
        if users:
            raise InUse(self, users)
        return super().delete(*args, **kwargs)
