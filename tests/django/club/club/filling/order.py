"""Content types that another history of the app has numbered."""
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management.base import CommandError


def shuffle(dice):
    if User.objects.exists():
        raise CommandError("--reorder is for a database that has no users yet")
    kinds = list(ContentType.objects.order_by("app_label", "model").values("app_label", "model"))
    Permission.objects.all().delete()
    ContentType.objects.all().delete()
    dice.shuffle(kinds)
    ContentType.objects.bulk_create(ContentType(**kind) for kind in kinds)
    ContentType.objects.clear_cache()
    configs = list(apps.get_app_configs())
    dice.shuffle(configs)
    for config in configs:
        create_permissions(config, verbosity=0, using=User.objects.db)
