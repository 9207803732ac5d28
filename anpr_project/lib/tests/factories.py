"""Small makers of rows for tests; each takes only what a test cares about."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth.models import Group, User

numbers = itertools.count(1)


def make_user(name: str = "", *, role: str | None = None, **fields: Any) -> User:
    user = User.objects.create_user(
        name or f"user-{next(numbers)}", password="correct horse", **fields
    )
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user
