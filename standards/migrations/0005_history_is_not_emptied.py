"""Published sets can't be emptied either: row triggers don't see TRUNCATE."""

from django.db import migrations

FORBID = """
CREATE TRIGGER standards_standardset_not_emptied BEFORE TRUNCATE ON standards_standardset
  FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_truncate();
CREATE TRIGGER standards_standard_not_emptied BEFORE TRUNCATE ON standards_standard
  FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_truncate();
"""
ALLOW = """
DROP TRIGGER standards_standard_not_emptied ON standards_standard;
DROP TRIGGER standards_standardset_not_emptied ON standards_standardset;
"""


class Migration(migrations.Migration):
    dependencies = [("standards", "0004_proposal_stem"), ("core", "0005_history_is_not_emptied")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
