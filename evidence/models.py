"""The installation's own signing keys: one is in use, the public halves of the old ones are kept."""

from __future__ import annotations

import hashlib

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone

from anpr_project.lib.encryption import EncryptedTextField
from anpr_project.lib.errors import Unavailable
from evidence import ed25519


class SigningKeyLost(Unavailable):
    default_detail = (
        "The signing key cannot be read with ENCRYPTION_KEYS: put the old ones back, or make a new "
        "signing key (manage.py evidence_keys --rotate)."
    )


class SigningKey(models.Model):
    """An Ed25519 key, made when it is first needed; the private half is encrypted at rest.

    In the database and not in a file, so that all processes and machines of an installation sign
    with the same one.
    """

    key_id = models.CharField(max_length=16, unique=True)
    algorithm = models.CharField(max_length=16, default="Ed25519")
    public_key = models.CharField(max_length=64, help_text="hex")
    private_key = EncryptedTextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["algorithm"], condition=Q(retired_at=None), name="one_signing_key_in_use"
            ),
        ]

    def __str__(self) -> str:
        return self.key_id

    @classmethod
    def current(cls) -> SigningKey:
        """Return the key in use; the first call of an installation makes it."""
        found = cls.objects.filter(retired_at=None).first()
        if found is None:
            try:
                with transaction.atomic():
                    return cls._make()
            except IntegrityError:  # another process was quicker
                return cls.objects.get(retired_at=None)
        return found

    @classmethod
    def rotate(cls) -> SigningKey:
        """Make a new key. The old private half is forgotten: nobody will ever need it again."""
        with transaction.atomic():
            cls.objects.filter(retired_at=None).update(retired_at=timezone.now(), private_key="")
            return cls._make()

    @classmethod
    def _make(cls) -> SigningKey:
        private, public = ed25519.make()
        return cls.objects.create(
            key_id=hashlib.sha256(public).hexdigest()[:16],
            public_key=public.hex(),
            private_key=private.hex(),
        )

    def readable(self) -> SigningKey:
        if not self.private_key:
            raise SigningKeyLost
        return self

    def sign(self, purpose: bytes, content: bytes) -> bytes:
        """Sign for one purpose: a signature of one kind is none of another."""
        private = bytes.fromhex(self.readable().private_key)
        return ed25519.sign(private, purpose + content)
