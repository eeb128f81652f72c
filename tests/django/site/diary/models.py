from django.contrib import admin
from django.db import models


class Note(models.Model):
    # A number, not a foreign key: the users are in another database.
    user_id = models.BigIntegerField(db_index=True)
    text = models.TextField()

    class Meta:
        permissions = [("share_note", "Can share a note")]


admin.site.register(Note)
