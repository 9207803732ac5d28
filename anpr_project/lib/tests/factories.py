"""Small makers of rows for tests; each takes only what a test cares about."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User

numbers = itertools.count(1)


PASSWORD = "correct horse"


@cache
def hashed_password() -> str:
    """Hashed once: a second of work for every user would be most of the tests' time."""
    return make_password(PASSWORD)


def make_user(name: str = "", *, role: str | None = None, **fields: Any) -> User:
    user = User.objects.create(
        username=name or f"user-{next(numbers)}", password=hashed_password(), **fields
    )
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user
