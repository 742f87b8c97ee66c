"""The row for retraining says that it goes on from the network in use; what staff edited stays theirs."""

import json

from django.db import migrations

NAME = "train on new labels"
NOW_SAID = " continued: go on from the network in use, with synthetic galaxies beside the labels; false: from nothing."


def add(apps, schema_editor):
    for row in apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME):
        row.kwargs = json.dumps({**json.loads(row.kwargs or "{}"), "continued": True})
        row.description += NOW_SAID
        row.save(update_fields=["kwargs", "description"])


def remove(apps, schema_editor):
    for row in apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME):
        kwargs = json.loads(row.kwargs or "{}")
        kwargs.pop("continued", None)
        row.kwargs = json.dumps(kwargs)
        row.description = row.description.replace(NOW_SAID, "")
        row.save(update_fields=["kwargs", "description"])


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0007_history_is_not_emptied"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(add, remove)]
