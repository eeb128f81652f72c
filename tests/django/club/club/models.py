"""What members of a club leave behind: keys to users of each sort, and values of each type."""
from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models

USER = settings.AUTH_USER_MODEL
# No constraint of a database can name a table of another database.
HERE = not settings.JOINED


class Profile(models.Model):
    user = models.OneToOneField(USER, models.CASCADE, db_constraint=HERE)
    city = models.CharField(max_length=100)
    born = models.DateField(null=True)
    photo = models.BinaryField(null=True)


class Seat(models.Model):
    """The key to the user is the row's own."""

    user = models.OneToOneField(USER, models.CASCADE, db_constraint=HERE, primary_key=True)
    label = models.CharField(max_length=100)


class Tag(models.Model):
    name = models.CharField(max_length=30, primary_key=True)
    order = models.SmallIntegerField()


class Article(models.Model):
    id = models.AutoField(primary_key=True)
    author = models.ForeignKey(USER, models.CASCADE, db_constraint=HERE)
    editor = models.ForeignKey(
        USER, models.SET_NULL, db_constraint=HERE, null=True, blank=True, related_name="edited"
    )
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    created = models.DateTimeField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    rating = models.FloatField()
    is_public = models.BooleanField()
    uuid = models.UUIDField(unique=True)
    extra = models.JSONField(null=True, blank=True)
    length = models.DurationField()
    at = models.TimeField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    tags = models.ManyToManyField(Tag, blank=True)
    fans = models.ManyToManyField(USER, db_constraint=HERE, related_name="liked")
    # A comment belongs to an article, and an article to a comment: neither table can come first.
    best = models.ForeignKey("Comment", models.SET_NULL, null=True, related_name="+")

    def __str__(self):
        return self.title


class Comment(models.Model):
    article = models.ForeignKey(Article, models.CASCADE)
    author = models.ForeignKey(USER, models.DO_NOTHING, db_constraint=False)
    text = models.TextField()
    parent = models.ForeignKey("self", models.CASCADE, null=True)


class Vote(models.Model):
    user = models.ForeignKey(USER, models.CASCADE, db_constraint=HERE)
    article = models.ForeignKey(Article, models.CASCADE)
    label = models.CharField(max_length=200)

    class Meta:
        unique_together = [("user", "article")]


class Reading(models.Model):
    """Nothing in the database says that a reader is a user; 0 is a stranger."""

    reader_id = models.BigIntegerField()
    article = models.ForeignKey(Article, models.CASCADE)
    label = models.CharField(max_length=200)

    class Meta:
        db_table = "reading_log"


class Stamp(models.Model):
    """On anything: a user too."""

    content_type = models.ForeignKey(ContentType, models.CASCADE, db_constraint=HERE)
    object_id = models.PositiveIntegerField()
    target = GenericForeignKey()
    label = models.CharField(max_length=200)
