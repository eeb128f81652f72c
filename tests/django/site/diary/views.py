"""What the app does at each path."""
from datetime import timedelta, timezone as zones

from django.contrib import auth
from django.contrib.auth.tokens import default_token_generator
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import Error as DatabaseError
from django.http import JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from .answers import Refused, answers, body, ok
from .models import Note

User = auth.get_user_model()
MAYBE = (str, type(None))


@answers("GET", "POST")
def store(request):
    values = body(request) if request.method == "POST" else request.GET.dict()
    if any(name.startswith("_") for name in values):
        raise Refused(400, "names that start with _ are Django's own")
    for name, value in values.items():
        request.session[name] = value
    return ok()


@answers("POST")
def expiry(request):
    value = body(request).get("value")
    if isinstance(value, bool) or not isinstance(value, (int, float, str, type(None))):
        raise Refused(422, "`value` is null, a number of seconds, or a time")
    try:
        if isinstance(value, str):
            value = time_of(value)
        elif value is not None:
            timezone.now() + timedelta(seconds=value)
    except (OverflowError, ValueError):
        raise Refused(400, "`value` is no time that there is")
    request.session.set_expiry(value)
    return ok()


def time_of(text):
    time = parse_datetime(text)
    if time is None:
        raise ValueError(text)
    return time if timezone.is_aware(time) else time.replace(tzinfo=zones.utc)


def signed_in(request):
    if not request.user.is_authenticated:
        raise Refused(401, "sign in first")
    return request.user


@answers("POST")
def password(request):
    user = signed_in(request)
    sent = body(request, old=str, new=str)
    if not user.check_password(sent["old"]):
        raise Refused(400, "the old password is wrong")
    user.set_password(sent["new"])
    user.save(update_fields=["password"])
    auth.update_session_auth_hash(request, user)
    return ok()


@answers("GET")
def permission(request):
    if "p" not in request.GET:
        raise Refused(400, "`p` is missing")
    return JsonResponse({"has": request.user.has_perm(request.GET["p"])})


@answers("GET", "POST")
def notes(request):
    user = signed_in(request)
    own = Note.objects.filter(user_id=user.pk)
    if request.method == "POST":
        text = body(request, text=str)["text"]
        if "\0" in text:
            raise Refused(400, "the text holds a NUL character, which PostgreSQL cannot store")
        own.create(user_id=user.pk, text=text)
    return JsonResponse({"notes": list(own.order_by("id").values_list("text", flat=True))})


@answers("POST")
def reset_link(request):
    name = body(request, username=str)["username"]
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None or not user.has_usable_password():
        raise Refused(404, "there is no such user who has a password")
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return JsonResponse({"uid": uid, "token": default_token_generator.make_token(user)})


@answers("POST")
def reset(request):
    sent = body(request, uid=str, token=str, new=MAYBE)
    user = user_of(sent["uid"])
    if user is None or not default_token_generator.check_token(user, sent["token"]):
        raise Refused(400, "the link is wrong, used or too old")
    if sent.get("new") is not None:
        user.set_password(sent["new"])
        user.save()
    return ok()


def user_of(uid):
    """As Django's PasswordResetConfirmView finds the user."""
    try:
        return User.objects.get(pk=urlsafe_base64_decode(uid).decode())
    except (TypeError, ValueError, OverflowError, User.DoesNotExist, ValidationError):
        return None


@answers("GET", "HEAD")
def health(request):
    try:
        for model in (User, Session, Note):
            model.objects.exists()
    except DatabaseError:
        answer = JsonResponse({"ready": False, "why": "a database does not answer"}, status=503)
        answer["Retry-After"] = "2"
        return answer
    return JsonResponse({"ready": True})
