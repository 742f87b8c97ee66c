"""What a network left unanswered counts galaxies with pictures only from now on: counted anew with its next round."""

from django.db import migrations


def forget(apps, schema_editor):
    apps.get_model("labeling", "NetworkOrder").objects.update(unanswered=0)


class Migration(migrations.Migration):
    dependencies = [("labeling", "0007_consensuses_in_words")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
