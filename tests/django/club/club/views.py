from diary.answers import Refused, answers
from django.http import JsonResponse

from .models import Article


@answers("GET")
def articles(request):
    if not request.user.is_authenticated:
        raise Refused(401, "sign in first")
    own = Article.objects.filter(author=request.user).order_by("title")
    return JsonResponse({"articles": list(own.values_list("title", flat=True))})
