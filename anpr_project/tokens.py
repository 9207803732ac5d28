"""Login of programs: a name and a password become an expiring token, which can be given back."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from anpr_project.lib.authentication import TokenAuthentication
from anpr_project.lib.second_factor import lacks_second_factor
from anpr_project.lib.serializers import TextField
from anpr_project.lock_out import locked_for, note_failure
from anpr_project.second_factor import CODE, MESSAGE
from anpr_project.sign_in import code_holds, needs_code

NO_STORE = {"Cache-Control": "no-store"}


class LoginSerializer(serializers.Serializer[Any]):
    username = TextField(max_length=150, trim_whitespace=False)
    password = TextField(max_length=1024, trim_whitespace=False, style={"input_type": "password"})
    otp = TextField(
        max_length=32,
        trim_whitespace=False,
        required=False,
        allow_blank=True,
        help_text="of users with a second factor: the code that the app shows, or a recovery code",
    )


class OtpRequired(AuthenticationFailed):
    default_code = "otp_required"
    default_detail = "This user has a second factor: send its code as `otp`."


class OtpInvalid(AuthenticationFailed):
    default_code = "otp_invalid"
    default_detail = "The code is wrong, or was used already."


class LockedOut(Throttled):
    default_code = "locked_out"
    default_detail = "Too many tries failed."


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="for `Authorization: Token <token>`; shown once")
    expiry = serializers.DateTimeField()


def issue_token(user: User) -> dict[str, Any]:
    """Make a token for `user`, and drop those of theirs that have expired."""
    AuthToken.objects.filter(user=user, expiry__lte=timezone.now()).delete()
    row, token = AuthToken.objects.create(user=user)
    return {"token": token, "expiry": row.expiry}


def refuse_locked(request: HttpRequest, username: str) -> None:
    if seconds := locked_for(request, username):
        raise LockedOut(seconds)


def check_login(request: HttpRequest, username: str, password: str, otp: str = "") -> User:
    """Return whose name, password and code these are; a wrong one counts towards the lock-out."""
    # Unknown, inactive and wrong are one answer, and Django hashes once for each of them.
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        refuse_locked(request, username)
        raise AuthenticationFailed("The name or the password is wrong.")
    if needs_code(user):
        if not otp:
            raise OtpRequired
        if not code_holds(user, otp):
            note_failure(request, username)
            refuse_locked(request, username)
            raise OtpInvalid
    elif lacks_second_factor(user):
        raise PermissionDenied(MESSAGE, CODE)
    return user


class TokenView(APIView):
    def get_authenticators(self) -> list[BaseAuthentication]:
        # Who logs in shows a password; an old token or cookie beside it must not stand in the way.
        # (The documentation asks before there is a request.)
        if getattr(self.request, "method", None) == "DELETE":
            return [TokenAuthentication(), SessionAuthentication()]
        return []

    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated()] if self.request.method == "DELETE" else [AllowAny()]

    def get_authenticate_header(self, request: Request) -> str:
        # Also for a wrong password, which without a challenge would be a 403.
        return "Token"

    @extend_schema(
        operation_id="login",
        summary="Log in",
        request=LoginSerializer,
        responses={201: TokenSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Return a token for a name and a password, and the code of a second factor where there is
        one. It expires after a day. After five failed tries: 429 for a quarter of an hour."""
        login = LoginSerializer(data=request.data)
        login.is_valid(raise_exception=True)
        user = check_login(request._request, **login.validated_data)
        user_logged_in.send(User, request=request._request, user=user)
        return Response(issue_token(user), status=status.HTTP_201_CREATED, headers=NO_STORE)

    @extend_schema(operation_id="logout", summary="Revoke this token", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revoke the token that the request was made with."""
        if request.auth is None:
            raise PermissionDenied("Send the token that is to be revoked; a session is none.")
        request.auth.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
