from club import views
from diary import visitors
from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("login", visitors.login),
    path("logout", visitors.logout),
    path("whoami", visitors.whoami),
    path("articles", views.articles),
    path("admin/", admin.site.urls),
]
handler500 = "diary.answers.broken"
