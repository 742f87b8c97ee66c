"""Suspicions that staff decide on, and figures that a worker counts. Flags of before are kept as decided suspicions."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


def keep_decisions(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            """INSERT INTO labeling_suspicion
                   (campaign_id, volunteer_id, state, rule_version, reasons, evidence, found_at, decided_at)
               SELECT target.campaign_id, vote.volunteer_id,
                      CASE WHEN bool_or('implausible' = ANY(vote.flags)) THEN 'confirmed' ELSE 'dismissed' END,
                      'implausible-1', '{}', '{}', now(), now()
                 FROM labeling_vote vote JOIN labeling_target target ON target.id = vote.target_id
                WHERE vote.flags && ARRAY['implausible', 'plausible']::varchar[] GROUP BY 1, 2"""
        )


class Migration(migrations.Migration):
    dependencies = [
        ("labeling", "0009_time_on_screen"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="crowdfit",
            name="votes_given",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="all counted votes of the campaign then, those without weight among them",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="Figures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("votes", models.PositiveIntegerField(default=0, help_text="counted ones")),
                ("people", models.PositiveIntegerField(default=0, help_text="who gave them")),
                (
                    "galaxies",
                    models.PositiveIntegerField(default=0, help_text="to be labelled; of the site: judged by somebody"),
                ),
                ("retired", models.PositiveIntegerField(default=0, help_text="galaxies that are done")),
                ("counted_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("tallied_to", models.BigIntegerField(default=0)),
                ("tallied_galaxies", models.PositiveIntegerField(default=0)),
                ("next_to", models.BigIntegerField(default=0)),
                ("next_since", models.DateTimeField(blank=True, null=True)),
                (
                    "campaign",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="figures",
                        to="labeling.campaign",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "figures",
                "constraints": [
                    models.UniqueConstraint(fields=("campaign",), name="figures_once", nulls_distinct=False)
                ],
            },
        ),
        migrations.CreateModel(
            name="Suspicion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "waits for staff"),
                            ("confirmed", "confirmed: weight 0"),
                            ("dismissed", "dismissed"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("rule_version", models.CharField(blank=True, max_length=20)),
                (
                    "reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                ("evidence", models.JSONField(default=dict, help_text="the figures that the rule found")),
                ("found_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "decided_at",
                    models.DateTimeField(
                        blank=True, help_text="votes given before it are no evidence any more", null=True
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="suspicions", to="labeling.campaign"
                    ),
                ),
                (
                    "volunteer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="suspicions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "volunteer"), name="suspicion_once_a_campaign")
                ],
            },
        ),
        migrations.CreateModel(
            name="VoteTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("votes", models.PositiveIntegerField()),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="labeling.campaign"
                    ),
                ),
                (
                    "volunteer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "volunteer"), name="votetally_once_a_campaign")
                ],
            },
        ),
        migrations.RunPython(keep_decisions, migrations.RunPython.noop),
    ]
