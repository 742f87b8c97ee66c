"""Access tokens: shown once, good for their scopes only, over at once, and not to be guessed."""

import hashlib
import json
import logging
import re
import secrets
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.views import APIView

from giz.accounts import authentication
from giz.accounts.authentication import WRONG_A_MINUTE
from giz.accounts.erasure import account_erase
from giz.accounts.models import AccessToken, User
from giz.accounts.own_data import own_data
from giz.accounts.staff import email_address_add, staff_ensure
from giz.accounts.tokens import MOST_TOKENS, token_make, token_revoke
from giz.core.errors import Refused
from giz.core.logs import json_formatter
from giz.core.models import AuditEvent
from tests.accounts.people import NEW_PASSWORD, PASSWORD, log_in
from tests.refusals import refuses

pytestmark = pytest.mark.django_db
PAGE, RUNS, ME, EXAMPLES = "/accounts/tokens/", "/api/v1/training/runs/", "/api/v1/me/", "/api/v1/predict/examples/"
FORM = {"title": "my notebook", "scopes": ["predict"], "days": "90"}


def make(owner: User, *scopes: str, title: str = "", **values: Any) -> str:
    """A token of this person; ``values`` change its row afterwards."""
    title = title or f"token {owner.access_tokens.count()}"
    token, secret = token_make(owner=owner, title=title, scopes=scopes or ("predict",), days=90, actor=owner)
    AccessToken.objects.filter(pk=token.pk).update(**values)
    return secret


def ask(path: str, secret: str, method: str = "get", client: Client | None = None, **extra: Any) -> tuple[int, Any]:
    """The status and body of a request with this token, from a program that knows no cookies."""
    client = client or Client(enforce_csrf_checks=True)
    headers = {"Authorization": f"Bearer {secret}"}
    answer = getattr(client, method)(path, headers=headers, content_type="application/json", **extra)
    return answer.status_code, answer.json()


def refusal(path: str, secret: str, **extra: Any) -> tuple[int, str]:
    status, body = ask(path, secret, **extra)
    return status, body.get("code", "")


@pytest.fixture
def entered(client: Client, alice: User) -> Client:
    """Alice has just typed her password."""
    email_address_add(alice)
    log_in(client, "alice@example.org")
    return client


# --- making ----------------------------------------------------------------------------------------------------------
def test_a_token_is_shown_once_and_opens_the_api_in_its_owners_name(entered: Client, alice: User) -> None:
    page = entered.post(PAGE, FORM).content.decode()
    (secret,) = set(re.findall(r"giz_[\w-]{43}", page))
    token = AccessToken.objects.get()
    assert (token.owner, token.scopes, token.prefix) == (alice, ["predict"], secret[:12])
    assert token.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert 89 <= (token.expires_at - timezone.now()).days <= 90
    later = entered.get(PAGE).content.decode()
    assert secret not in later
    assert token.prefix in later
    status, me = ask(ME, secret)
    assert (status, me["volunteer"]) == (200, alice.public_name)
    assert ask(EXAMPLES, secret) == (200, [])
    token.refresh_from_db()
    assert token.last_used_on == timezone.now().date()
    event = AuditEvent.objects.get(action="token_made")
    assert (event.actor_number, event.subject) == (alice.volunteer_number, alice.public_name)
    assert secret not in json.dumps(event.detail)


def test_the_page_asks_for_the_password_first(alice_client: Client) -> None:
    assert alice_client.get(PAGE)["Location"] == f"/accounts/reauthenticate/?next={PAGE}"
    assert alice_client.post(PAGE, FORM).status_code == 302
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    "change", [{"scopes": ["training"]}, {"scopes": []}, {"scopes": ["all"]}, {"title": " "}, {"days": "9999"}]
)
def test_what_a_volunteer_may_not_have_is_refused(entered: Client, change: dict[str, Any]) -> None:
    assert entered.post(PAGE, {**FORM, **change}).status_code == 400
    assert not AccessToken.objects.exists()


def test_rules_of_making(alice: User, bob: User, settings: Any) -> None:
    wish: dict[str, Any] = {"title": "x", "scopes": ["predict"], "days": 90}
    for code, change in (
        ("not_staff", {"scopes": ["predict", "training"]}),
        ("bad_scope", {"scopes": ["predict", "everything"]}),
        ("bad_days", {"days": 0}),
        ("bad_days", {"days": 367}),
        ("bad_title", {"title": "a\x00b"}),
    ):
        with refuses(code):
            token_make(owner=alice, **{**wish, **change})
    settings.STAFF_SECOND_FACTOR = "required"
    with refuses("second_factor_required"):
        token_make(owner=bob, **{**wish, "scopes": ["training"]})
    make(alice, title="x")
    with refuses("title_taken"):
        token_make(owner=alice, **wish)
    AccessToken.objects.update(expires_at=timezone.now())
    for number in range(MOST_TOKENS):
        make(alice, title=f"x{number or ''}")
    with refuses("too_many_tokens"):
        token_make(owner=alice, **{**wish, "title": "one more"})
    alice.is_active = False
    alice.save()
    with refuses("no_person"):
        token_make(owner=alice, **{**wish, "title": "closed"})


@pytest.mark.parametrize("column", [{"scopes": []}, {"secret_sha256": "short"}])
def test_the_database_keeps_no_token_without_scope_or_hash(alice: User, column: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make(alice, **column)


# --- abuse -----------------------------------------------------------------------------------------------------------
@pytest.mark.finding("abuse A30")
def test_a_token_that_is_not_good_opens_nothing(alice: User, bob: User) -> None:
    good = make(bob, "training")
    ends = timezone.now()
    bad = {
        "bad_token": [
            f"giz_{secrets.token_urlsafe(32)}",
            good[:-1],
            good[4:],
            good.upper(),
            f"{good}, {good}",
            "",
            "x",
            "giz_\u00e9",
            "giz_\udce9",
        ],
        "token_expired": [make(bob, "training", expires_at=ends)],
        "token_revoked": [make(bob, "training", revoked_at=ends), make(bob, revoked_at=ends, expires_at=ends)],
    }
    for code, tokens in bad.items():
        for token in tokens:
            assert refusal(RUNS, token) == (401, code), token
            assert refusal(ME, token) == (401, code), token
    assert refusal(RUNS, make(bob, "predict")) == (403, "scope_missing")
    assert refusal(RUNS, make(bob, "predict"), method="post", data={}) == (403, "scope_missing")
    assert refusal(RUNS, make(bob, "predict", "training"))[0] == 200
    answer = Client().get(RUNS, headers={"Authorization": "Bearer x"})
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.finding("abuse A30")
def test_a_token_gives_no_more_than_its_owner_has_now(bob: User, settings: Any) -> None:
    token = make(bob, "training")
    assert ask(RUNS, token)[0] == 200
    assert refusal(RUNS, token, method="post", data={})[1] == "validation_error"
    settings.STAFF_SECOND_FACTOR = "required"
    assert refusal(RUNS, token) == (403, "second_factor_required")
    settings.STAFF_SECOND_FACTOR = "off"
    User.objects.update(role="volunteer")
    assert refusal(RUNS, token) == (403, "permission_denied")
    assert ask(ME, token)[0] == 200
    User.objects.update(role="staff", is_active=False)
    assert refusal(RUNS, token) == (401, "bad_token")


@pytest.mark.finding("abuse A30")
def test_tokens_end_with_the_account_and_with_its_password(
    entered: Client, alice: User, bob: User, bob_client: Client
) -> None:
    of_alice, of_bob = make(alice), make(bob, "training")
    entered.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    )
    assert refusal(ME, of_alice) == (401, "token_revoked")
    staff_ensure(email="bob@example.org", password="another long sentence")
    assert refusal(RUNS, of_bob) == (401, "token_revoked")
    again = make(alice)
    page = f"/staff/accounts/user/{alice.pk}/change/"
    bob_client.force_login(User.objects.get(pk=bob.pk), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert bob_client.post(page, {"role": "volunteer", "supervisor_rank": 0}).status_code == 302
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert refusal(ME, again) == (401, "token_revoked")
    last = make(alice)
    account_erase(user=alice)
    assert refusal(ME, last) == (401, "bad_token")
    assert not AccessToken.objects.filter(owner=alice).exists()


@pytest.mark.finding("abuse A26")
def test_of_ten_thousand_guesses_few_are_looked_at(alice: User, bob: User) -> None:
    mine, known = make(alice), make(bob)
    assert ask(ME, known, REMOTE_ADDR="198.51.100.9")[0] == 200
    view = APIView()
    statuses: dict[int, int] = {}
    with CaptureQueriesContext(connection) as seen:
        for number in range(10_000):
            headers = {"Authorization": f"Bearer giz_{number:043d}", "X-Forwarded-For": f"203.0.113.{number % 250}"}
            request = RequestFactory().get(ME, headers=headers, REMOTE_ADDR="198.51.100.9")
            try:
                view.initialize_request(request).user  # noqa: B018 - reading it authenticates
            except authentication.TokenRefused as error:
                statuses[error.status_code] = statuses.get(error.status_code, 0) + 1
            except Refused as error:
                statuses[error.status] = statuses.get(error.status, 0) + 1
    # The minute may end in between.
    assert set(statuses) == {401, 429}
    assert statuses[401] <= 2 * WRONG_A_MINUTE
    assert len(seen) <= 2 * WRONG_A_MINUTE
    # Who asks from the same address with a token that was right before is not shut out, nor is anybody elsewhere.
    assert ask(ME, known, REMOTE_ADDR="198.51.100.9")[0] == 200
    assert ask(ME, mine, REMOTE_ADDR="192.0.2.7")[0] == 200


def test_requests_are_counted_by_token(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "REQUESTS_A_MINUTE", 3)
    mine, other = make(alice), make(alice)
    codes = {refusal(ME, mine) for _ in range(8)}
    assert codes == {(200, ""), (429, "too_many_requests")}
    assert refusal(ME, other) == (200, "")


@pytest.mark.finding("abuse A22")
def test_a_token_counts_in_its_header_only_and_never_falls_back_to_a_cookie(
    bob: User, bob_client: Client, client: Client
) -> None:
    token = make(bob, "training")
    for address in (f"{RUNS}?token={token}", f"{RUNS}?access_token={token}", f"{RUNS}?Authorization=Bearer {token}"):
        assert client.get(address).status_code == 401, address
        assert ask(address, token)[0] == 400, address
    client.cookies["sessionid"] = client.cookies["token"] = token
    assert client.get(RUNS).status_code == 401
    assert client.get(RUNS, headers={"Authorization": f"Basic {token}"}).status_code == 401
    assert client.post(RUNS, {"token": token}, content_type="application/json").status_code == 401
    assert refusal(RUNS, "giz_wrong", client=bob_client) == (401, "bad_token")
    bob_client.handler.enforce_csrf_checks = True
    assert bob_client.post(RUNS, {}, content_type="application/json").json()["code"] == "csrf"


def api_views() -> list[tuple[str, Any]]:
    """Every view of the API with an address of it."""
    found: list[tuple[str, Any]] = []

    def walk(patterns: list[Any], before: str) -> None:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "cls"):
                filled = re.sub(r"<uuid:\w+>", "00000000-0000-4000-8000-000000000000", route)
                view = pattern.callback.cls(**pattern.callback.initkwargs)
                found.append((re.sub(r"<(?:\w+:)?\w+>", "1", filled), view))

    walk(get_resolver().url_patterns, "/")
    return [(address, view) for address, view in found if address.startswith("/api/v1/")]


@pytest.mark.finding("abuse A19", "abuse A22")
def test_a_view_that_names_no_scope_refuses_every_token(bob: User) -> None:
    """Voting, the account and its tokens are for people: whatever is new is shut to programs until it names a scope."""
    token = make(bob, *AccessToken.Scope.values)
    shut = set()
    for address, view in api_views():
        if authentication.TokenAuthentication not in view.authentication_classes:
            continue
        for method in {"get", "post", "patch", "put", "delete"} & set(dir(view)):
            if method.upper() not in getattr(view, "token_scopes", {}):
                assert refusal(address, token, method=method) == (403, "session_only"), address
                shut.add(f"{method} {address}")
    assert {"get /api/v1/me/data/", "post /api/v1/me/erase/", "post /api/v1/votes/", "patch /api/v1/me/"} <= shut
    for address in (PAGE, "/accounts/email/", "/accounts/data/", "/staff/dashboard/"):
        assert Client().get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 302, address


@pytest.mark.finding("abuse A16")
def test_somebody_elses_token_can_not_be_revoked(entered: Client, bob: User, alice: User) -> None:
    theirs = make(bob, "training")
    assert entered.post(PAGE, {"revoke": theirs[:12]}).status_code == 404
    assert entered.post(PAGE, {"revoke": "giz_aaaaaaaa"}).status_code == 404
    assert ask(RUNS, theirs)[0] == 200
    mine = make(alice)
    assert entered.post(PAGE, {"revoke": mine[:12]}).status_code == 302
    assert refusal(ME, mine) == (401, "token_revoked")
    assert AuditEvent.objects.filter(action="token_revoked", actor_number=alice.volunteer_number).count() == 1


def test_superusers_revoke_any_token_on_the_staff_pages(bob: User, bob_client: Client, alice: User) -> None:
    secret = make(alice)
    token = AccessToken.objects.get()
    page = f"/staff/accounts/accesstoken/{token.pk}/"
    assert token.secret_sha256 not in bob_client.get(f"{page}change/").content.decode()
    User.objects.filter(pk=bob.pk).update(is_superuser=False)
    assert bob_client.post(f"{page}press/revoke/").status_code == 403
    User.objects.filter(pk=bob.pk).update(is_superuser=True)
    assert bob_client.post(f"{page}press/revoke/").status_code == 302
    assert refusal(ME, secret) == (401, "token_revoked")
    token_revoke(token=token)
    assert AuditEvent.objects.filter(action="token_revoked").count() == 1


@pytest.mark.finding("abuse A30")
def test_no_log_line_and_no_download_holds_a_token(alice: User, client: Client, caplog: Any) -> None:
    secret = make(alice)
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(json_formatter())
    logging.getLogger().addHandler(handler)
    logging.getLogger("giz.request").setLevel("INFO")
    try:
        ask(f"/api/v1/{secret}/?x={secret}", secret)
        ask(ME, secret[:-3])
        logging.getLogger("giz.request").warning("sent Bearer %s", secret)
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger("giz.request").setLevel("NOTSET")
    logged = handler.stream.getvalue()  # type: ignore[attr-defined]
    assert "[private]" in logged
    assert secret[:30] not in logged
    download = "".join(own_data(alice))
    assert hashlib.sha256(secret.encode()).hexdigest() not in download
    assert json.loads(download)["access_tokens"][0]["prefix"] == secret[:12]


def test_the_schema_says_which_scope_an_operation_needs() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    paths = schema["paths"]
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert paths[RUNS]["post"]["security"] == [{"token": ["training"]}, {"session": []}]
    assert paths["/api/v1/me/erase/"]["post"]["security"] == [{"session": []}]
    assert paths[EXAMPLES]["get"]["security"] == [{"token": ["predict"]}, {}]


# --- for operators ---------------------------------------------------------------------------------------------------
def test_operators_make_list_and_revoke_tokens(alice: User, bob: User) -> None:
    def run(*words: str) -> str:
        out = StringIO()
        call_command("access_tokens", *words, stdout=out, stderr=StringIO())
        return out.getvalue()

    secret = run("bob@example.org", "--make", "nightly", "--scope", "training", "--days", "7").strip()
    assert ask(RUNS, secret)[0] == 200
    assert timedelta(6) < AccessToken.objects.get().expires_at - timezone.now() <= timedelta(7)
    listed = run("bob@example.org")
    assert secret[:12] in listed
    assert secret not in listed
    assert AuditEvent.objects.get(action="token_made").actor_number is None
    with refuses("not_found"):
        run("alice@example.org", "--revoke", secret[:12])
    run("bob@example.org", "--revoke", secret[:12])
    assert refusal(RUNS, secret) == (401, "token_revoked")
    again = run("bob@example.org", "--make", "nightly", "--scope", "predict").strip()
    run(bob.public_name, "--revoke", "all")
    assert refusal(ME, again) == (401, "token_revoked")
    with pytest.raises(CommandError):
        run("bob@example.org", "--make", "x", "--scope", "nothing")
