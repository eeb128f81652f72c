from diary import views
from django.contrib import admin
from django.urls import path
from project import house

urlpatterns = [
    path("login", views.login),
    path("logout", views.logout),
    path("whoami", views.whoami),
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
