from diary import views, visitors
from django.contrib import admin
from django.urls import path
from project import house

urlpatterns = [
    path("login", visitors.login),
    path("logout", visitors.logout),
    path("whoami", visitors.whoami),
    path("set", views.store),
    path("expiry", views.expiry),
    path("password", views.password),
    path("perm", views.permission),
    path("notes", views.notes),
    path("reset-link", views.reset_link),
    path("reset", views.reset),
    path("housekey.json", house.profile),
    path("healthz", views.health),
    path("admin/", admin.site.urls),
]
handler500 = "diary.answers.broken"
