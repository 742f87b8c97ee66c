"""Import of votes given elsewhere: the original's vote table, in batches, resumable; a second time changes nothing.

People come without their names: the table may know them by e-mail address, so an account keeps only a keyed hash of
the name (to be found again by the next import) beside its random volunteer number.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from giz.accounts.models import User
from giz.catalog.formats.table import RowError, Table
from giz.catalog.models import Galaxy
from labeling.aggregation.published import without_addresses
from labeling.comparison import round_at_random
from labeling.formats import VoteColumns, VoteEntry
from labeling.models import Campaign, Target, Vote
from labeling.services.campaigns import targets_add_unserved
from standards.formats import StandardEntry
from standards.models import Standard, StandardSet
from standards.services import standard_set_publish

BATCH_ROWS = 500
MAX_REPORTED = 1000
MAX_NAMED = 20
IMPORT_RULE = "imported-1"
_IMPORT_LOCK = 0x61A7
_KEYS = uuid.UUID("6f1d7d5e-3a54-4c19-9c0b-2f0a3a1de7b4")
COUNTS = ("counted", "repeat", "known", "bad", "galaxies", "volunteers", "standards")

Report = Callable[[list[str]], None]
AfterBatch = Callable[[int, dict[str, int]], None]
Read = tuple[int, VoteEntry | str]


@dataclass(frozen=True, slots=True)
class _Sets:
    """The standards by PGC number of the campaign's set, and of a set made for those that it does not know."""

    campaign_set_id: int
    campaign_pgcs: frozenset[int]
    table_set_id: int | None = None

    def of(self, entry: VoteEntry) -> int | None:
        shown = [pgc for pgc in (entry.left_pgc, entry.right_pgc) if pgc is not None]
        if not shown:
            return None
        return self.campaign_set_id if self.campaign_pgcs.issuperset(shown) else self.table_set_id


def votes_import(
    *,
    campaign: Campaign,
    table: Table,
    source: str,
    report: Report,
    after_batch: AfterBatch,
    resume_line: int = 0,
    resume_counts: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Store the votes of a table in a campaign and return what became of its rows.

    Unknown galaxies, standards and volunteers are made. Of several votes of a person on a galaxy the first is counted
    and the others are kept as repeats, which count into the person's median. Rows that were imported before stay.

    Parameters
    ----------
    source : where the votes come from. Equal names of people, and equal row ids, of one source are the same ones in
        each of its tables; a row that comes again with other values is reported.
    report : called with the lines that speak of bad rows, and of standards that had to be made.
    after_batch : called inside the transaction of each batch with the last line done and the counts so far.
    resume_line, resume_counts : where an interrupted run stopped.
    """
    counts = Counter(resume_counts or {})
    sets, made = _standard_sets(campaign, table, source, report)
    counts["standards"] += made
    reads = _entries(table)
    while batch := list(islice(reads, BATCH_ROWS)):
        last_line = batch[-1][0]
        if last_line <= resume_line:
            continue
        entries = {line: found for line, found in batch if isinstance(found, VoteEntry)}
        with transaction.atomic():
            written, clashes = _write_batch(entries, campaign, source, sets)
            bad = [f"line {line}: {found}" for line, found in batch if isinstance(found, str)]
            # A row with shifted cells quotes whatever stands in them, perhaps somebody's e-mail address.
            problems = [without_addresses(line) for line in bad + clashes]
            room = MAX_REPORTED - counts["bad"]
            counts.update(written)
            counts["bad"] += len(problems)
            if problems and room > 0:
                report(problems[:room])
            after_batch(last_line, {name: counts[name] for name in COUNTS})
    return {name: counts[name] for name in COUNTS}


def _entries(table: Table) -> Iterator[Read]:
    """Every row of the table with its line: what it says, or why it can't be used."""
    columns = VoteColumns(table.columns)
    line_of: dict[str, int] = {}
    for row in table.rows():
        try:
            if row.problem:
                raise RowError(row.problem)
            entry = columns.entry(row.cells, row.line)
            first = line_of.setdefault(entry.row, row.line)
            if first != row.line:
                raise RowError(f"id {entry.row} stands on line {first} already")
            yield row.line, entry
        except RowError as error:
            yield row.line, str(error)


def _standard_sets(campaign: Campaign, table: Table, source: str, report: Report) -> tuple[_Sets, int]:
    """The set that each vote was compared with; standards that the campaign's does not hold get a set of their own."""
    known = _standards_of(campaign.standard_set)
    said: dict[int, Counter[int]] = {}
    for _line, found in _entries(table):
        if isinstance(found, VoteEntry):
            for pgc, bin_deg in found.standards().items():
                said.setdefault(pgc, Counter())[bin_deg] += 1
    own = frozenset(known)
    unknown = said.keys() - own
    if not unknown:
        return _Sets(campaign.standard_set_id, own), 0
    name = f"{source}-from-votes"
    newest = StandardSet.objects.filter(name=name, state=StandardSet.State.PUBLISHED).order_by("-version").first()
    before = _standards_of(newest) if newest is not None else {}
    if newest is not None and said.keys() <= before.keys():
        return _Sets(campaign.standard_set_id, own, newest.pk), 0
    inclinations = {pgc: float(bins.most_common(1)[0][0]) for pgc, bins in said.items()}
    inclinations |= {pgc: known[pgc] for pgc in said.keys() & own} | before
    entries = [StandardEntry(pgc, inclination_deg) for pgc, inclination_deg in sorted(inclinations.items())]
    made = standard_set_publish(name=name, entries=entries, source=table.path.name)
    new = sorted(unknown - before.keys())
    if new:
        report([_about_new_standards(new, campaign.standard_set, made.standard_set)])
    return _Sets(campaign.standard_set_id, own, made.standard_set.pk), len(new)


def _about_new_standards(numbers: list[int], known: StandardSet, made: StandardSet) -> str:
    named = ", ".join(str(pgc) for pgc in numbers[:MAX_NAMED])
    more = f" and {len(numbers) - MAX_NAMED} more" if len(numbers) > MAX_NAMED else ""
    return (
        f"The votes name standards that {known} does not hold: PGC {named}{more}. They are kept in the set {made}, in "
        "the bins that the votes say; nobody is shown them."
    )


def _standards_of(standard_set: StandardSet) -> dict[int, float]:
    standards = Standard.objects.filter(standard_set=standard_set)
    return dict(standards.values_list("galaxy__pgc", "inclination_deg"))


def _write_batch(
    entries: Mapping[int, VoteEntry], campaign: Campaign, source: str, sets: _Sets
) -> tuple[dict[str, int], list[str]]:
    """Store the entries by line; return what became of them, and the lines that clash with earlier imports."""
    with connection.cursor() as cursor:
        # Two imports into one campaign must not both count the first vote of a person.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_IMPORT_LOCK, campaign.pk])
    refs = {entry.row: f"{campaign.pk}/{source}/{entry.row}" for entry in entries.values()}
    known = dict(Vote.objects.filter(import_ref__in=refs.values()).values_list("import_ref", "body_hash"))
    fresh = [entry for entry in entries.values() if refs[entry.row] not in known]
    clashes = [
        f"line {line}: id {entry.row} of {source!r} was imported before with other values; "
        "if this table is another one, give it a --source of its own"
        for line, entry in entries.items()
        if known.get(refs[entry.row], _digest(entry)) != _digest(entry)
    ]
    counts = Counter({"known": len(entries) - len(fresh) - len(clashes)})
    galaxies, counts["galaxies"] = _galaxies({entry.pgc for entry in fresh}, source)
    people, counts["volunteers"] = _volunteers({entry.volunteer for entry in fresh}, source)
    targets_add_unserved(campaign=campaign, galaxy_ids=galaxies.values())
    target_ids = dict(
        Target.objects.filter(campaign=campaign, galaxy__in=galaxies.values()).values_list("galaxy_id", "id")
    )
    counted = Vote.objects.filter(target__in=target_ids.values(), standing=Vote.Standing.COUNTED)
    pairs = set(counted.filter(volunteer__in=people.values()).values_list("target_id", "volunteer_id"))
    votes = []
    for entry in fresh:
        pair = (target_ids[galaxies[entry.pgc]], people[entry.volunteer])
        standing = Vote.Standing.REPEAT if pair in pairs else Vote.Standing.COUNTED
        pairs.add(pair)
        counts[standing.value] += 1
        votes.append(_vote(entry, pair, standing, refs[entry.row], sets.of(entry)))
    Vote.objects.bulk_create(votes)
    _mark_stale(list(target_ids.values()))
    return counts, clashes


def _galaxies(numbers: set[int], source: str) -> tuple[dict[int, int], int]:
    """Galaxy ids by PGC number, and how many galaxies had to be made."""
    known = set(Galaxy.objects.filter(pgc__in=numbers).values_list("pgc", flat=True))
    new = [Galaxy(pgc=pgc, source=source) for pgc in sorted(numbers - known)]
    Galaxy.objects.bulk_create(new, ignore_conflicts=True)
    return dict(Galaxy.objects.filter(pgc__in=numbers).values_list("pgc", "id")), len(new)


def _volunteers(names: set[str], source: str) -> tuple[dict[str, int], int]:
    """Account ids by the table's names; an account knows its name only as a keyed hash, and nobody can log in to it."""
    key_of = {name: salted_hmac("labeling.imports", name, algorithm="sha256").hexdigest()[:60] for name in names}
    found = User.objects.filter(import_source=source, import_name__in=key_of.values())
    known = set(found.values_list("import_name", flat=True))
    new = [
        User(email=None, import_source=source, import_name=key, password=make_password(None))
        for key in sorted(set(key_of.values()) - known)
    ]
    User.objects.bulk_create(new, ignore_conflicts=True)
    ids = dict(found.all().values_list("import_name", "id"))
    return {name: ids[key] for name, key in key_of.items()}, len(new)


def _vote(
    entry: VoteEntry, pair: tuple[int, int], standing: Vote.Standing, ref: str, standard_set_id: int | None
) -> Vote:
    seed = rounded = None
    if entry.inclination_deg is not None:
        seed = int.from_bytes(hashlib.sha256(ref.encode()).digest()[:7])
        rounded = round_at_random(entry.inclination_deg, seed)
    return Vote(
        key=uuid.uuid5(_KEYS, ref),
        body_hash=_digest(entry),
        target_id=pair[0],
        volunteer_id=pair[1],
        standard_set_id=standard_set_id,
        standing=standing,
        verdict=entry.verdict,
        inclination_deg=entry.inclination_deg,
        inclination_rounded_deg=rounded,
        rounding_seed=seed,
        trace={"standards_pgc": [entry.left_pgc, entry.right_pgc]} if standard_set_id else {},
        rule_version=IMPORT_RULE,
        reasons=list(entry.reasons),
        comment=without_addresses(entry.comment),
        is_imported=True,
        import_ref=ref,
        checked_out_at=entry.checked_out_at,
        created_at=entry.checked_in_at or Now(),
    )


def _digest(entry: VoteEntry) -> str:
    """What the row says, so that the same id with other values is noticed; keyed, for it covers the person's name."""
    return salted_hmac("labeling.imports.row", repr(entry), algorithm="sha256").hexdigest()


def _mark_stale(target_ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE labeling_target SET stale_since = COALESCE(stale_since, now()) WHERE id IN (
                   SELECT id FROM labeling_target WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE)""",
            [target_ids],
        )
