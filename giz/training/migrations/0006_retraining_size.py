"""The row for retraining says that a label set's pictures must have one side; what staff edited stays theirs."""

import json

from django.db import migrations

NAME = "train on new labels"
SAID = "campaigns: names of campaigns whose label sets count; empty for all."
NOW_SAID = f"{SAID} size_px: the side of their pictures. A training that is not to answer, or is shorter, is no try of it."


def add(apps, schema_editor):
    for row in apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME):
        row.kwargs = json.dumps({**json.loads(row.kwargs or "{}"), "size_px": 128})
        if row.description.endswith(SAID):
            row.description = row.description.removesuffix(SAID) + NOW_SAID
        row.save(update_fields=["kwargs", "description"])


def remove(apps, schema_editor):
    for row in apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME):
        kwargs = json.loads(row.kwargs or "{}")
        kwargs.pop("size_px", None)
        row.kwargs = json.dumps(kwargs)
        row.description = row.description.replace(NOW_SAID, SAID)
        row.save(update_fields=["kwargs", "description"])


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0005_words_of_staff"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(add, remove)]
