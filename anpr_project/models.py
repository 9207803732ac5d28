"""What signing in keeps: sessions, second factors, recovery codes."""

from __future__ import annotations

import re
import secrets
from base64 import b32decode, b32encode
from hashlib import sha256
from typing import Self
from urllib.parse import quote, urlencode

from django.contrib.auth.models import User
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models, transaction
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from anpr_project.lib.encryption import EncryptedTextField
from anpr_project.lib.sessions import SessionStore

ISSUER = "ANPR Cloud"
CODE = re.compile(r"[0-9]{6}")


class Session(AbstractBaseSession):
    """Who is signed in where; its key is a digest of the cookie's, which is kept nowhere."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    signed_in_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        return SessionStore


# The library has no types.
class Authenticator(ThrottlingMixin, TimestampMixin, Device):  # type: ignore[misc]
    """The app on somebody's phone that shows a new code every 30 seconds (TOTP, RFC 6238)."""

    # The longest pause is then about eight minutes: who knows the password but not the code can
    # neither guess it nor keep the owner out for days.
    MAX_FAILURES_COUNTED = 10

    secret = EncryptedTextField()
    last_step = models.BigIntegerField(default=-1)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user"], name="authenticator_one_a_user")]

    @classmethod
    def prepare_for(cls, user: User) -> Authenticator:
        """Return the user's authenticator, made unconfirmed if there is none."""
        secret = b32encode(secrets.token_bytes(20)).decode()
        made = {"secret": secret, "confirmed": False}
        found, _ = cls.objects.get_or_create(user=user, defaults=made)
        return found  # type: ignore[no-any-return]  # of the library's manager

    @classmethod
    def remove_from(cls, user: User) -> None:
        """Take the second factor away, and the codes that stood in for it."""
        cls.objects.filter(user=user).delete()
        RecoveryCode.objects.of(user).delete()

    @property
    def address(self) -> str:
        """What the QR code says (the Key Uri Format that all such apps read)."""
        label = quote(f"{ISSUER}:{self.user.get_username()}")
        return f"otpauth://totp/{label}?{urlencode({'secret': self.secret, 'issuer': ISSUER}, quote_via=quote)}"

    def verify_token(self, token: str) -> bool:
        """Take each code once; the row must be locked by the caller."""
        # A secret that no key opens reads as empty, and with an empty key anybody has the codes.
        if not self.secret or not self.verify_is_allowed()[0]:
            return False
        totp = TOTP(b32decode(self.secret))
        if not totp.verify(int(token), tolerance=1, min_t=self.last_step + 1):
            self.throttle_increment()
            return False
        self.last_step = totp.t()
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def throttle_increment(self, commit: bool = True) -> None:
        counted: int = self.throttling_failure_count  # type: ignore[has-type]  # untyped base
        self.throttling_failure_count = min(counted, self.MAX_FAILURES_COUNTED - 1)
        super().throttle_increment(commit)

    def get_throttle_factor(self) -> int:
        return 1


class RecoveryCodeQuerySet(models.QuerySet["RecoveryCode"]):
    def of(self, user: User) -> Self:
        return self.filter(user=user)

    def renew(self, user: User) -> list[str]:
        """Give the user ten new codes in place of all old ones; only here they can be read."""
        codes = [b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(10)]
        with transaction.atomic():
            self.of(user).delete()
            self.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
        return ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in codes]

    def spend(self, user: User, code: str) -> bool:
        """Take a code once; of two that come at the same moment one wins."""
        return bool(self.of(user).filter(digest=_digest(code)).delete()[0])


class RecoveryCode(models.Model):
    """Opens the door once when the phone is lost."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)

    objects = RecoveryCodeQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_unique")
        ]

    def __str__(self) -> str:
        return f"recovery code of user {self.user_id}"


def _digest(code: str) -> str:
    # 80 random bits need no slow hash.
    return sha256(code.encode()).hexdigest()
