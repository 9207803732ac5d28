"""The permissions of a user in one statement: Django asks for the own and the groups' ones apart.

A program's requests each ask anew, so that what is taken away is gone with the next request.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import connection

PERMISSIONS = """
    SELECT kind.app_label || '.' || permission.codename AS name
    FROM auth_permission permission
    JOIN django_content_type kind ON kind.id = permission.content_type_id
    WHERE permission.id IN (
        SELECT permission_id FROM auth_user_user_permissions WHERE user_id = {user}
        UNION ALL
        SELECT given.permission_id FROM auth_group_permissions given
        JOIN auth_user_groups member ON member.group_id = given.group_id
        WHERE member.user_id = {user}
    )
"""


def remember_permissions(user: User, names: set[str]) -> None:
    """Note what the user may do; of a superuser that says nothing."""
    if not user.is_superuser:
        # The name that Django remembers them by, for as long as this user object lives.
        user._perm_cache = names  # type: ignore[attr-defined]


class PermissionsBackend(ModelBackend):
    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if user_obj.is_superuser or user_obj.is_anonymous or not user_obj.is_active or obj:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            with connection.cursor() as cursor:
                cursor.execute(PERMISSIONS.format(user="%s"), [user_obj.pk, user_obj.pk])
                remember_permissions(user_obj, {name for (name,) in cursor.fetchall()})
        permissions: set[str] = user_obj._perm_cache
        return permissions
