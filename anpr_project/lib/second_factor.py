"""Whether somebody may go on without a second factor."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django_otp import user_has_device


def lacks_second_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether the installation demands a second factor of this user, who has none.

    Who has one has shown it: when one is set up, all sessions and tokens from before end.
    """
    return (
        settings.REQUIRE_SECOND_FACTOR_FOR_STAFF
        and getattr(user, "is_staff", False)
        and not user_has_device(user)
    )
