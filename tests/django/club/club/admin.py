from django.contrib import admin

from .models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    # No `author`: Django would join its table, which is elsewhere once the app has joined a house.
    list_display = ["title", "written_by"]
    raw_id_fields = ["author", "editor"]
    exclude = ["fans", "best"]

    def written_by(self, article):
        return article.author
