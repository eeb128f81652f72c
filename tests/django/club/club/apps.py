from django.apps import AppConfig


class Club(AppConfig):
    name = "club"
