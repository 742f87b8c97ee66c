"""The audit trail can only grow: the database refuses to change or delete an event."""

from django.db import migrations

FORBID = """
CREATE FUNCTION core_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER core_audit_append_only BEFORE UPDATE OR DELETE ON core_auditevent
  FOR EACH ROW EXECUTE FUNCTION core_audit_append_only();
"""
ALLOW = "DROP TRIGGER core_audit_append_only ON core_auditevent; DROP FUNCTION core_audit_append_only();"


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
