"""How a sensor shows who it is: `Authorization: Api-Key <key>`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from sensors.credentials import Credential, credential_of

if TYPE_CHECKING:
    from rest_framework.views import APIView


class SensorKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the Credential; a sensor is no user, so `request.user` is anonymous."""

    scheme = "Api-Key"

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Credential] | None:
        scheme, _, text = get_authorization_header(request).partition(b" ")
        if scheme.lower() != self.scheme.lower().encode():
            return None
        # One message for every cause: it must not tell which ids exist.
        try:
            credential = credential_of(text.decode("ascii").strip())
        except UnicodeDecodeError:
            credential = None
        if credential is None:
            raise AuthenticationFailed("This API key is not valid.")
        credential.key.note_use()
        return AnonymousUser(), credential

    def authenticate_header(self, request: Request) -> str:
        return self.scheme


class IsSensor(BasePermission):
    """Admits an enabled sensor, and nobody else."""

    message = "Only an enabled sensor may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Credential) and request.auth.sensor.enabled
