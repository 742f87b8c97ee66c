"""Published standard sets never change: the database refuses it, whoever asks."""

from django.db import migrations

FORBID = """
CREATE FUNCTION standards_set_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'published' AND (TG_OP = 'DELETE' OR NEW IS DISTINCT FROM OLD) THEN
    RAISE EXCEPTION 'standard set % v% is published and can not be changed; publish a new version',
      OLD.name, OLD.version USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER standards_set_immutable BEFORE UPDATE OR DELETE ON standards_standardset
  FOR EACH ROW EXECUTE FUNCTION standards_set_immutable();

CREATE FUNCTION standards_standard_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  home record;
BEGIN
  -- FOR SHARE waits for a publication that is under way, and sees what came of it.
  FOR home IN SELECT name, version, state FROM standards_standardset
    WHERE id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.standard_set_id END,
                 CASE WHEN TG_OP <> 'DELETE' THEN NEW.standard_set_id END)
    ORDER BY id FOR SHARE
  LOOP
    IF home.state = 'published' AND (TG_OP <> 'UPDATE' OR NEW IS DISTINCT FROM OLD) THEN
      RAISE EXCEPTION 'standard set % v% is published and can not be changed; publish a new version',
        home.name, home.version USING ERRCODE = 'restrict_violation';
    END IF;
  END LOOP;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER standards_standard_immutable BEFORE INSERT OR UPDATE OR DELETE ON standards_standard
  FOR EACH ROW EXECUTE FUNCTION standards_standard_immutable();
"""
ALLOW = """
DROP TRIGGER standards_standard_immutable ON standards_standard; DROP FUNCTION standards_standard_immutable();
DROP TRIGGER standards_set_immutable ON standards_standardset; DROP FUNCTION standards_set_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("standards", "0001_initial")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
