from django.contrib import admin

from .models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    list_display = ["title", "author"]
    raw_id_fields = ["author", "editor"]
    # Its keys are of a table that is elsewhere once the app has joined a house.
    exclude = ["fans", "best"]
