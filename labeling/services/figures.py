"""Public counts, kept up to date by a worker: volunteers, judged galaxies, votes, and the progress of each campaign.

Votes up to a certain id are tallied once by campaign and volunteer; each run counts only the later ones. That id moves
on to the newest vote of ten minutes ago: by then all votes before it are committed, and none can be undone any more.
"""

from typing import Any

from django.db import connection, transaction

from labeling.models import Figures, VoteTally
from labeling.rules import SIMULATED_SOURCE, UNDO_TIME

SETTLED_AFTER = 2 * UNDO_TIME
_LOCK = 0x61A7
_END = 2**63 - 1

_GIVEN = """
    SELECT target.campaign_id, vote.volunteer_id, count(*) AS votes
      FROM labeling_vote vote JOIN labeling_target target ON target.id = vote.target_id
     WHERE vote.id > %(after)s AND vote.id <= %(upto)s AND vote.standing = 'counted'
     GROUP BY 1, 2
"""
_TALLY = f"""
    INSERT INTO labeling_votetally AS tally (campaign_id, volunteer_id, votes) {_GIVEN}
        ON CONFLICT (campaign_id, volunteer_id) DO UPDATE SET votes = tally.votes + excluded.votes
"""

# The site's counts cover real people in public campaigns.
_PUBLIC = """
    labeling_vote vote JOIN labeling_target target ON target.id = vote.target_id AND vote.standing = 'counted'
      JOIN labeling_campaign campaign ON campaign.id = target.campaign_id AND campaign.state <> 'draft'
      JOIN accounts_user volunteer ON volunteer.id = vote.volunteer_id AND volunteer.import_source <> %(simulated)s
"""
_NEW_GALAXIES = f"""
    SELECT count(*) FROM (SELECT DISTINCT target.galaxy_id FROM {_PUBLIC}
                           WHERE vote.id > %(after)s AND vote.id <= %(upto)s) fresh
     WHERE NOT EXISTS (SELECT FROM {_PUBLIC} WHERE vote.id <= %(after)s AND target.galaxy_id = fresh.galaxy_id)
"""  # noqa: S608 - constants only

_BY_PERSON = f"""
    SELECT campaign_id, volunteer_id, sum(votes) AS votes FROM (
        SELECT campaign_id, volunteer_id, votes FROM labeling_votetally UNION ALL {_GIVEN}) given
     GROUP BY 1, 2
"""  # noqa: S608 - constants only
_WRITE_CAMPAIGNS = f"""
    INSERT INTO labeling_figures AS figures
        (campaign_id, votes, people, galaxies, retired, counted_at, tallied_to, tallied_galaxies, next_to)
    SELECT campaign.id, COALESCE(said.votes, 0), COALESCE(said.people, 0), COALESCE(aim.galaxies, 0),
           COALESCE(aim.retired, 0), now(), 0, 0, 0
      FROM labeling_campaign campaign
      LEFT JOIN (SELECT campaign_id, sum(votes) AS votes, count(*) AS people FROM ({_BY_PERSON}) each GROUP BY 1) said
             ON said.campaign_id = campaign.id
      LEFT JOIN (SELECT campaign_id, count(*) AS galaxies, count(*) FILTER (WHERE state = 'retired') AS retired
                   FROM labeling_target WHERE purpose = 'label' GROUP BY 1) aim ON aim.campaign_id = campaign.id
    ON CONFLICT (campaign_id) DO UPDATE
       SET votes = excluded.votes, people = excluded.people, galaxies = excluded.galaxies, retired = excluded.retired,
           counted_at = excluded.counted_at
"""  # noqa: S608 - constants only
_SITE = f"""
    SELECT COALESCE(sum(each.votes), 0), count(DISTINCT each.volunteer_id) FROM ({_BY_PERSON}) each
      JOIN labeling_campaign campaign ON campaign.id = each.campaign_id AND campaign.state <> 'draft'
      JOIN accounts_user volunteer ON volunteer.id = each.volunteer_id AND volunteer.import_source <> %(simulated)s
"""  # noqa: S608 - constants only


def figures_count() -> bool:
    """Update all counts; return False if another process is doing so."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("SET LOCAL statement_timeout = 0")
        site, _is_new = Figures.objects.get_or_create(campaign=None)
        _move_mark(cursor, site)
        values: dict[str, Any] = {"after": site.tallied_to, "upto": _END, "simulated": SIMULATED_SOURCE}
        cursor.execute(_WRITE_CAMPAIGNS, values)
        cursor.execute(_SITE, values)
        site.votes, site.people = cursor.fetchone()
        cursor.execute(_NEW_GALAXIES, values)
        site.galaxies = site.tallied_galaxies + cursor.fetchone()[0]
        cursor.execute("SELECT now()")
        site.counted_at = cursor.fetchone()[0]
        site.save()
    return True


def figures_forget() -> None:
    """Discard the tally, so that the next run counts all votes."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        VoteTally.objects.all().delete()
        Figures.objects.filter(campaign=None).update(tallied_to=0, tallied_galaxies=0, next_to=0, next_since=None)


def _move_mark(cursor: Any, site: Figures) -> None:
    cursor.execute("SELECT now(), COALESCE((SELECT max(id) FROM labeling_vote), 0)")
    now, newest = cursor.fetchone()
    if site.next_since is not None and now - site.next_since < SETTLED_AFTER:
        return
    values: dict[str, Any] = {"after": site.tallied_to, "upto": site.next_to, "simulated": SIMULATED_SOURCE}
    cursor.execute(_TALLY, values)
    cursor.execute(_NEW_GALAXIES, values)
    site.tallied_galaxies += cursor.fetchone()[0]
    site.tallied_to, site.next_to, site.next_since = site.next_to, newest, now
