import django.db.models.deletion as deletion
from django.conf import settings
from django.db import migrations, models

HERE = not settings.JOINED


def number():
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def article():
    return models.ForeignKey(on_delete=deletion.CASCADE, to="club.article")


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Profile",
            fields=[
                ("id", number()),
                ("city", models.CharField(max_length=100)),
                ("born", models.DateField(null=True)),
                ("photo", models.BinaryField(null=True)),
                (
                    "user",
                    models.OneToOneField(
                        db_constraint=HERE,
                        on_delete=deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Seat",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        db_constraint=HERE,
                        on_delete=deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("label", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("name", models.CharField(max_length=30, primary_key=True, serialize=False)),
                ("order", models.SmallIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Article",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=200)),
                ("text", models.TextField(blank=True)),
                ("created", models.DateTimeField()),
                ("price", models.DecimalField(decimal_places=2, max_digits=10)),
                ("rating", models.FloatField()),
                ("is_public", models.BooleanField()),
                ("uuid", models.UUIDField(unique=True)),
                ("extra", models.JSONField(blank=True, null=True)),
                ("length", models.DurationField()),
                ("at", models.TimeField(blank=True, null=True)),
                ("address", models.GenericIPAddressField(blank=True, null=True)),
                (
                    "author",
                    models.ForeignKey(
                        db_constraint=HERE,
                        on_delete=deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "editor",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=HERE,
                        null=True,
                        on_delete=deletion.SET_NULL,
                        related_name="edited",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "fans",
                    models.ManyToManyField(
                        db_constraint=HERE, related_name="liked", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("tags", models.ManyToManyField(blank=True, to="club.tag")),
            ],
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", number()),
                ("text", models.TextField()),
                ("article", article()),
                (
                    "author",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=deletion.DO_NOTHING,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(null=True, on_delete=deletion.CASCADE, to="club.comment"),
                ),
            ],
        ),
        migrations.AddField(
            model_name="article",
            name="best",
            field=models.ForeignKey(
                null=True, on_delete=deletion.SET_NULL, related_name="+", to="club.comment"
            ),
        ),
        migrations.CreateModel(
            name="Vote",
            fields=[
                ("id", number()),
                ("label", models.CharField(max_length=200)),
                ("article", article()),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=HERE,
                        on_delete=deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"unique_together": {("user", "article")}},
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("id", number()),
                ("reader_id", models.BigIntegerField()),
                ("label", models.CharField(max_length=200)),
                ("article", article()),
            ],
            options={"db_table": "reading_log"},
        ),
        migrations.CreateModel(
            name="Stamp",
            fields=[
                ("id", number()),
                ("object_id", models.PositiveIntegerField()),
                ("label", models.CharField(max_length=200)),
                (
                    "content_type",
                    models.ForeignKey(
                        db_constraint=HERE,
                        on_delete=deletion.CASCADE,
                        to="contenttypes.contenttype",
                    ),
                ),
            ],
        ),
    ]
