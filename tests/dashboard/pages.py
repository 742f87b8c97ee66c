"""Addresses of the staff pages of a model or a row, and the buttons on them."""

from typing import Any

from django.test import Client
from django.urls import reverse


def list_of(model: type) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")  # type: ignore[attr-defined]


def page_of(row: Any, what: str = "change") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{what}", args=[row.pk])


def press(client: Client, row: Any, button: str) -> Any:
    return client.post(page_of(row).replace("/change/", f"/press/{button}/"), follow=True)
