"""How a sensor shows who it is: `Authorization: Api-Key <key>`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from sensors.credentials import Credential, credential_of

if TYPE_CHECKING:
    from rest_framework.views import APIView


SCHEME = "Api-Key"


def _key_in(authorization: bytes) -> str | None:
    """Return the key in an Authorization header; None if the header is of another kind."""
    scheme, _, text = authorization.partition(b" ")
    if scheme.lower() != SCHEME.lower().encode():
        return None
    # No key has other characters; without them it is none of ours either.
    return text.strip().decode("ascii", "replace")


def _credential_of(key: str) -> Credential | None:
    credential = credential_of(key)
    if credential is not None:
        credential.key.note_use()
    return credential


def admitted(request: HttpRequest) -> Credential | None:
    """Return what the request's key is good for, if it is a live one of an enabled sensor."""
    key = _key_in(request.META.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace"))
    credential = None if key is None else _credential_of(key)
    return credential if credential is not None and credential.sensor.enabled else None


class SensorKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the Credential; a sensor is no user, so `request.user` is anonymous."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Credential] | None:
        key = _key_in(get_authorization_header(request))
        if key is None:
            return None
        credential = _credential_of(key)
        # One message for every cause: it must not tell which ids exist.
        if credential is None:
            raise AuthenticationFailed("This API key is not valid.")
        return AnonymousUser(), credential

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class IsSensor(BasePermission):
    """Admits an enabled sensor, and nobody else."""

    message = "Only an enabled sensor may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Credential) and request.auth.sensor.enabled
