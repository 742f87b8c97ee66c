from django.urls import path

from standards.api import StandardSetView

urlpatterns = [path("standard-sets/<int:set_id>/", StandardSetView.as_view(), name="standard-set")]
