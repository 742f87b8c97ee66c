from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0001_kept_reports")]

    operations = [
        migrations.AlterField(
            model_name="keptreport",
            name="content",
            field=models.TextField(help_text="as giz.core.report.dumped writes it"),
        ),
    ]
