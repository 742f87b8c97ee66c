"""Votes are history: the database refuses whatever would rewrite one, whoever asks.

What may change: a counted vote is undone once; flags come and go; a remark is emptied when its author is erased. Votes
of the simulated crowd may be made older. Columns that are added later are protected without another word. A task
that has a vote keeps what the vote is replayed from.
"""

from django.db import migrations, models

FORBID = """
CREATE FUNCTION labeling_vote_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  may_change text[] := ARRAY['standing', 'superseded_at', 'flags', 'comment'];
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'vote % is history and can not be removed', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  IF (NEW.created_at, NEW.checked_out_at) IS DISTINCT FROM (OLD.created_at, OLD.checked_out_at)
     AND NEW.created_at <= OLD.created_at
     AND EXISTS (SELECT FROM accounts_user WHERE id = OLD.volunteer_id AND import_source = 'simulated crowd') THEN
    may_change := may_change || ARRAY['created_at', 'checked_out_at'];
  END IF;
  IF (to_jsonb(NEW) - may_change) IS DISTINCT FROM (to_jsonb(OLD) - may_change)
     OR ((NEW.standing, NEW.superseded_at) IS DISTINCT FROM (OLD.standing, OLD.superseded_at)
         AND (OLD.standing <> 'counted' OR NEW.standing <> 'superseded'))
     OR NEW.comment NOT IN ('', OLD.comment) THEN
    RAISE EXCEPTION 'vote % is history and can not be rewritten', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER labeling_vote_is_history BEFORE UPDATE OR DELETE ON labeling_vote
  FOR EACH ROW EXECUTE FUNCTION labeling_vote_is_history();
CREATE TRIGGER labeling_vote_not_emptied BEFORE TRUNCATE ON labeling_vote
  FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_truncate();
CREATE TRIGGER labeling_labelset_not_emptied BEFORE TRUNCATE ON labeling_labelset
  FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_truncate();

CREATE FUNCTION labeling_task_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM labeling_vote WHERE task_id = OLD.id) THEN
    RAISE EXCEPTION 'a vote is replayed from task %, which can not be rewritten', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER labeling_task_is_history BEFORE UPDATE ON labeling_task FOR EACH ROW
  WHEN (OLD.id <> NEW.id OR OLD.seed <> NEW.seed OR OLD.target_id <> NEW.target_id
        OR OLD.volunteer_id <> NEW.volunteer_id OR OLD.standard_set_id <> NEW.standard_set_id)
  EXECUTE FUNCTION labeling_task_is_history();
"""
ALLOW = """
DROP TRIGGER labeling_task_is_history ON labeling_task; DROP FUNCTION labeling_task_is_history();
DROP TRIGGER labeling_labelset_not_emptied ON labeling_labelset;
DROP TRIGGER labeling_vote_not_emptied ON labeling_vote;
DROP TRIGGER labeling_vote_is_history ON labeling_vote; DROP FUNCTION labeling_vote_is_history();
"""


class Migration(migrations.Migration):
    dependencies = [("labeling", "0011_golden_sizes"), ("core", "0005_history_is_not_emptied")]
    operations = [
        migrations.RunSQL(FORBID, ALLOW),
        migrations.AddIndex(model_name="vote", index=models.Index(fields=["created_at"], name="vote_by_time")),
    ]
