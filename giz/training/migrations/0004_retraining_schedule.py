"""A row under Schedule for retraining: off until staff switch it on; what they edit stays theirs."""

import json

from django.db import migrations

NAME = "train on new labels"
WORDS = (
    "Trains when the newest label set has enough labels that the served network has not seen; the gate decides "
    "whether the new network answers. network: which one. minutes: how long. least_new_labels: from how many new or "
    "changed labels on. campaigns: names of campaigns whose label sets count; empty for all."
)


def add(apps, schema_editor):
    hourly, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(every=1, period="hours")
    settings = {"network": "ours", "minutes": 60, "least_new_labels": 500, "campaigns": []}
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "giz.training.tasks.retrain",
            "interval": hourly,
            "enabled": False,
            "kwargs": json.dumps(settings),
            "description": WORDS,
        },
    )


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0003_run_gate"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]
    operations = [migrations.RunPython(add, remove)]
