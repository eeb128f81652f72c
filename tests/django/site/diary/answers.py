"""Answers and refusals, in JSON."""
import json
import sys
from functools import wraps

from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseError
from django.http import JsonResponse


class Refused(Exception):
    def __init__(self, status, why):
        self.status, self.why = status, why


def ok(**more):
    return JsonResponse({"ok": True, **more})


def refusal(status, why):
    return JsonResponse({"ok": False, "error": why}, status=status)


def answers(*methods):
    """A view that answers to these methods, and refuses in JSON."""

    def decorate(view):
        @wraps(view)
        def guarded(request):
            try:
                if request.method not in methods:
                    raise Refused(405, f"{request.method} is not allowed here")
                return view(request)
            except Refused as refused:
                return refusal(refused.status, refused.why)
            except RequestDataTooBig as error:
                return refusal(413, str(error))

        return guarded

    return decorate


def no_json(name):
    raise ValueError(f"{name} is no JSON")


def body(request, **fields):
    """The JSON object of the request, with these fields of these types."""
    if request.content_type != "application/json":
        raise Refused(415, "the body is no application/json")
    try:
        value = json.loads(request.body, parse_constant=no_json)
    except ValueError as error:
        raise Refused(400, f"the body is no JSON: {error}")
    if not isinstance(value, dict):
        raise Refused(422, "the body is no JSON object")
    return checked(value, fields)


def checked(value, fields):
    for name, kind in fields.items():
        if not isinstance(value.get(name), kind):
            raise Refused(422, f"`{name}` is missing or of another type")
    return value


def foreign(request, reason=""):
    """What Django's CSRF middleware answers with."""
    return refusal(403, reason)


def broken(request):
    if isinstance(sys.exc_info()[1], DatabaseError):
        answer = refusal(503, "a database does not answer")
        answer["Retry-After"] = "2"
        return answer
    return refusal(500, "an error of the server")
