"""Campaigns note the picture sizes that their golden targets share with others; those that have golden ones already."""

import django.contrib.postgres.fields
from django.db import migrations, models

SIZES_OF_GOLDEN = """
    UPDATE labeling_campaign campaign SET golden_sizes_px = (
        SELECT array_agg(shared.size ORDER BY shared.size) FROM (
            SELECT picture.size FROM (
                SELECT DISTINCT target.id, target.purpose = 'golden' AS is_golden, unnest(image.sizes_px) AS size
                  FROM labeling_target target
                  JOIN catalog_galaxyimage image ON image.galaxy_id = target.galaxy_id AND image.is_current
                 WHERE target.campaign_id = campaign.id) picture
             GROUP BY picture.size
            HAVING count(*) FILTER (WHERE picture.is_golden) = (
                       SELECT count(*) FROM labeling_target golden
                        WHERE golden.campaign_id = campaign.id AND golden.purpose = 'golden')
               AND 2 * count(*) FILTER (WHERE NOT picture.is_golden) >= (
                       SELECT count(*) FROM labeling_target other
                        WHERE other.campaign_id = campaign.id AND other.purpose <> 'golden')) shared)
     WHERE EXISTS (SELECT FROM labeling_target target
                    WHERE target.campaign_id = campaign.id AND target.purpose = 'golden')
"""


class Migration(migrations.Migration):
    dependencies = [("labeling", "0010_suspicions_and_figures"), ("catalog", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="golden_sizes_px",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.PositiveSmallIntegerField(),
                blank=True,
                editable=False,
                help_text="picture sizes that golden targets share with most others; tasks name no others",
                null=True,
                size=None,
            ),
        ),
        migrations.RunSQL(SIZES_OF_GOLDEN, migrations.RunSQL.noop),
    ]
