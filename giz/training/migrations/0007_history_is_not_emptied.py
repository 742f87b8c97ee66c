"""The history of promotions can't be emptied either: row triggers don't see TRUNCATE."""

from django.db import migrations

FORBID = """
CREATE TRIGGER training_promotion_not_emptied BEFORE TRUNCATE ON training_promotion
  FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_truncate();
"""
ALLOW = "DROP TRIGGER training_promotion_not_emptied ON training_promotion;"


class Migration(migrations.Migration):
    dependencies = [("training", "0006_retraining_size"), ("core", "0005_history_is_not_emptied")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
