from django.urls import re_path

from giz.catalog import views

urlpatterns = [
    re_path(
        r"^(?P<stem>[a-z2-7]{2}/[a-z2-7]{26})-(?P<size_px>128|256|512)\.webp\Z", views.display_file, name="display-file"
    ),
]
