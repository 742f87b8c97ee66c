"""Tables of history can't be emptied either: row triggers don't see TRUNCATE."""

from django.db import migrations

FORBID = """
CREATE FUNCTION core_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the rows of % are history and can not be removed', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER core_auditevent_not_emptied BEFORE TRUNCATE ON core_auditevent
  FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_truncate();
"""
ALLOW = "DROP TRIGGER core_auditevent_not_emptied ON core_auditevent; DROP FUNCTION core_refuse_truncate();"


class Migration(migrations.Migration):
    dependencies = [("core", "0004_job_lane")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
