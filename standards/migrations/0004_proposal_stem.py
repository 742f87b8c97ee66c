from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery


def name_pictures(apps, schema_editor):
    """A shape not measured again since the decision is the one that was seen; of others nobody knows: blank."""
    shapes = apps.get_model("catalog", "GalaxyShape").objects.filter(galaxy=OuterRef("galaxy"))
    proposals = apps.get_model("standards", "Proposal").objects.filter(
        galaxy__shape__measured_at__lte=F("decided_at")
    )
    proposals.update(stem=Subquery(shapes.values("stem")[:1]))


class Migration(migrations.Migration):

    dependencies = [
        ("catalog", "0002_galaxy_shape"),
        ("standards", "0003_proposal"),
    ]

    operations = [
        migrations.AddField(
            model_name="proposal",
            name="stem",
            field=models.CharField(
                blank=True, default="", help_text="the picture whose ellipse was decided about", max_length=40
            ),
            preserve_default=False,
        ),
        migrations.RunPython(name_pictures, migrations.RunPython.noop),
    ]
