"""Versions of texts are history: votes name the field guide that their author was offered."""

from django.db import migrations

FORBID = """
CREATE FUNCTION texts_version_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'version % of text % is history and can not be changed', OLD.number, OLD.name
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER texts_version_is_history BEFORE UPDATE OR DELETE ON texts_textversion
  FOR EACH ROW EXECUTE FUNCTION texts_version_is_history();
CREATE TRIGGER texts_version_not_emptied BEFORE TRUNCATE ON texts_textversion
  FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_truncate();
"""
ALLOW = """
DROP TRIGGER texts_version_not_emptied ON texts_textversion;
DROP TRIGGER texts_version_is_history ON texts_textversion; DROP FUNCTION texts_version_is_history();
"""


class Migration(migrations.Migration):
    dependencies = [("texts", "0001_initial"), ("core", "0005_history_is_not_emptied")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
