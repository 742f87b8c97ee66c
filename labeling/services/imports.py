"""Import votes from a table of the original GIZ, in batches; it can be resumed, and repeating it changes nothing.

The table may identify people by e-mail address. Therefore an account stores only a keyed hash of the name, by which the
next import finds it, and a random volunteer number.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from giz.accounts.models import User
from giz.catalog.models import Galaxy, GalaxyIdentifier
from giz.catalog.selectors import galaxies_identified
from giz.tables.table import RowError, Table
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
COUNTS = ("counted", "repeat", "superseded", "surplus", "known", "bad", "galaxies", "volunteers", "standards")

Report = Callable[[list[str]], None]
AfterBatch = Callable[[int, dict[str, int]], None]
Read = tuple[int, VoteEntry | str]


@dataclass(frozen=True, slots=True)
class _Sets:
    """The campaign's set with its standards' PGC numbers, and a set made for the standards that it lacks."""

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
    """Store the votes of a table in a campaign; return counts of what happened to its rows.

    Unknown galaxies, standards and volunteers are created. Of several votes of a person on a galaxy the first is
    counted and the others are stored as repeats, which contribute to the person's median. Rows that were imported
    before remain unchanged.

    Parameters
    ----------
    source : where the votes come from. Equal names of people and equal row ids mean the same person and row in all
        tables of one source; a row that is repeated with other values is reported.
    report : called with lines about bad rows and about standards that had to be created.
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
            # The message about a row with shifted cells quotes them, and one may be an e-mail address.
            problems = [without_addresses(line) for line in bad + clashes]
            room = MAX_REPORTED - counts["bad"]
            counts.update(written)
            counts["bad"] += len(problems)
            if problems and room > 0:
                report(problems[:room])
            after_batch(last_line, {name: counts[name] for name in COUNTS})
    return {name: counts[name] for name in COUNTS}


def _entries(table: Table) -> Iterator[Read]:
    """Yield every row of the table with its line number: the entry, or why it cannot be used."""
    columns = VoteColumns(table.columns)
    line_of: dict[str, int] = {}
    for row in table.rows():
        try:
            if row.problem:
                raise RowError(row.problem)
            entry = columns.entry(row.cells, row.line)
            first = line_of.setdefault(entry.row, row.line)
            if first != row.line:
                raise RowError(f"id {entry.row} already appears on line {first}")
            yield row.line, entry
        except RowError as error:
            yield row.line, str(error)


def _standard_sets(campaign: Campaign, table: Table, source: str, report: Report) -> tuple[_Sets, int]:
    """Return the sets for the votes, and how many standards were added to a set for those that the campaign lacks."""
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
        f"The votes name standards that {known} lacks: PGC {named}{more}. They are kept in the set {made}, in the "
        "bins that follow from the votes; nobody is shown them."
    )


def _standards_of(standard_set: StandardSet) -> dict[int, float]:
    standards = Standard.objects.filter(standard_set=standard_set)
    return dict(standards.values_list("galaxy__pgc", "inclination_deg"))


def _write_batch(
    entries: Mapping[int, VoteEntry], campaign: Campaign, source: str, sets: _Sets
) -> tuple[dict[str, int], list[str]]:
    """Store the entries by line; return counts, and messages about lines that differ from earlier imports."""
    with connection.cursor() as cursor:
        # Two imports into one campaign must not both count the first vote of a person. The transaction asks for its
        # number before it numbers votes: exports that are continued rest on that.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s), pg_current_xact_id()", [_IMPORT_LOCK, campaign.pk])
    refs = {entry.row: f"{campaign.pk}/{source}/{entry.row}" for entry in entries.values()}
    known = dict(Vote.objects.filter(import_ref__in=refs.values()).values_list("import_ref", "body_hash"))
    fresh = [entry for entry in entries.values() if refs[entry.row] not in known]
    unlike = {entry.row for entry in entries.values() if known.get(refs[entry.row], _digest(entry)) != _digest(entry)}
    # Early imports ignored the original's notes; otherwise the votes are the same.
    without_notes = {
        entry.row
        for entry in entries.values()
        if entry.row in unlike and known[refs[entry.row]] == _digest(replace(entry, comment=""))
    }
    clashes = [
        f"line {line}: id {entry.row} of {source!r} was imported before with other values; "
        "if this is a different table, give it its own --source"
        for line, entry in entries.items()
        if entry.row in unlike - without_notes
    ]
    counts = Counter({"known": len(entries) - len(fresh) - len(clashes)})
    galaxies, counts["galaxies"] = _galaxies(fresh, source)
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
        if entry.state and entry.state.standing in (Vote.Standing.SUPERSEDED, Vote.Standing.SURPLUS):
            standing = Vote.Standing(entry.state.standing)
        else:
            pairs.add(pair)
        counts[standing.value] += 1
        votes.append(_vote(entry, pair, standing, refs[entry.row], sets.of(entry)))
    Vote.objects.bulk_create(votes)
    Target.mark_stale(list(target_ids.values()))
    return counts, clashes


def _galaxies(entries: Sequence[VoteEntry], source: str) -> tuple[dict[int, int], int]:
    """Galaxy ids by the table's numbers, and how many galaxies had to be made.

    A galaxy that has another number here (the table's site did not know its PGC number) is found by its identifiers.
    """
    numbers = {entry.pgc for entry in entries}
    ids = dict(Galaxy.objects.filter(pgc__in=numbers).values_list("pgc", "id"))
    names = {name: entry.pgc for entry in entries if entry.pgc not in ids for name in entry.identifiers}
    here = galaxies_identified(names)
    own = {names[name]: number for name, number in here.items()}
    missing = sorted(numbers - ids.keys() - own.keys())
    Galaxy.objects.bulk_create((Galaxy(pgc=pgc, source=source) for pgc in missing), ignore_conflicts=True)
    found = dict(Galaxy.objects.filter(pgc__in={*missing, *own.values()}).values_list("pgc", "id"))
    ids |= {pgc: found[pgc] for pgc in missing} | {pgc: found[number] for pgc, number in own.items()}
    GalaxyIdentifier.objects.bulk_create(
        (
            GalaxyIdentifier(galaxy_id=ids[pgc], scheme=name.scheme, value=name.value, source=source[:120])
            for name, pgc in names.items()
            if name not in here
        ),
        ignore_conflicts=True,
    )
    return ids, len(missing)


def _volunteers(names: set[str], source: str) -> tuple[dict[str, int], int]:
    """Return account ids by the table's names; the accounts store keyed hashes, and nobody can log in to them."""
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
        flags=list(entry.state.flags) if entry.state else [],
        shown_ms=entry.state.shown_ms if entry.state else None,
        superseded_at=entry.state.superseded_at if entry.state else None,
        checked_out_at=entry.checked_out_at,
        created_at=entry.checked_in_at or Now(),
    )


def _digest(entry: VoteEntry) -> str:
    """Return a keyed hash of the row, by which the same id with other values is noticed."""
    text = repr(entry) + (repr(entry.state) if entry.state else "")
    return salted_hmac("labeling.imports.row", text, algorithm="sha256").hexdigest()
