"""Who a visitor is: login, logout, whoami."""
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.forms import AuthenticationForm
from django.http import JsonResponse
from django.middleware.csrf import get_token
from django.utils.http import url_has_allowed_host_and_scheme

from .answers import answers, body, checked, ok

MAYBE = (str, type(None))
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def safe(request, url):
    hosts = {request.get_host()}
    is_safe = url_has_allowed_host_and_scheme(url, hosts, require_https=request.is_secure())
    return url if is_safe else None


@answers("GET", "HEAD", "POST")
def login(request):
    if request.method != "POST":
        return JsonResponse(
            {"csrf": get_token(request), "next": safe(request, request.GET.get("next"))}
        )
    fields = {"username": str, "password": str, "next": MAYBE}
    if request.content_type in FORMS:
        sent = checked(request.POST, fields)
    else:
        sent = body(request, **fields)
    form = AuthenticationForm(request, sent)
    if not form.is_valid():
        return JsonResponse({"ok": False}, status=401)
    auth.login(request, form.get_user())
    return ok(username=request.user.username, next=safe(request, sent.get("next")))


@answers("POST")
def logout(request):
    auth.logout(request)
    return ok()


@answers("GET")
def whoami(request):
    user = request.user
    return JsonResponse(
        {
            "app": settings.APP_NAME,
            "authenticated": user.is_authenticated,
            "id": user.pk,
            "username": user.get_username(),
            "is_staff": user.is_staff,
            "is_superuser": user.is_superuser,
            "perms": sorted(user.get_all_permissions()),
            "session": {k: v for k, v in request.session.items() if not k.startswith("_")},
        }
    )
