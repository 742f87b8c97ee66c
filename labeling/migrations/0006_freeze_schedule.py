"""A row under Schedule for freezing label sets: off until staff switch it on; what they edit stays theirs."""

import json

from django.db import migrations

NAME = "freeze new labels"
WORDS = (
    "Freezes a label set of each named campaign once enough of its galaxies were finished since the last one. "
    "campaigns: their names; none, and nothing is done. least_new_labels: from how many galaxies on. "
    "size_px: side of the pictures."
)


def add(apps, schema_editor):
    hourly, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(every=1, period="hours")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "labeling.tasks.freeze_new_labels",
            "interval": hourly,
            "enabled": False,
            "kwargs": json.dumps({"campaigns": [], "least_new_labels": 500, "size_px": 128}),
            "description": WORDS,
        },
    )


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0005_network_order"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(add, remove)]
