"""Plain views that only answer reading: no login, no session, JSON errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from anpr_project.lib.errors import body

View = Callable[[HttpRequest], HttpResponse]
METHODS = ("GET", "HEAD")


def read_only(view: View) -> View:
    """Refuse other methods in the one error shape, and keep the answers out of every cache."""

    # Exempt, or a POST would get the HTML page of the CSRF check instead of the 405.
    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in METHODS:
            response = view(request)
        else:
            refusal = body("method_not_allowed", f'Method "{request.method}" not allowed.')
            response = JsonResponse(refusal, status=405, headers={"Allow": ", ".join(METHODS)})
        response["Cache-Control"] = "no-store"
        return response

    return answer
