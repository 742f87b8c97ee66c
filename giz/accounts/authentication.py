"""Authentication of programs by an access token in the header ``Authorization: Bearer giz_…``, and staff by either way.

A view names in ``token_scopes`` which scope each of its methods needs. A view that names none is for people in a
browser: it refuses every token. A token only lets its owner in; what the owner may do is decided as for a session.
"""

from typing import Any

from django.core.cache import cache
from django.utils.crypto import salted_hmac
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request

from giz.accounts.models import AccessToken
from giz.accounts.second_factor import step_before_staff_pages
from giz.accounts.tokens import token_found, token_used
from giz.core.errors import Refused
from giz.core.requester import Requester, count_request, requester_of
from giz.core.throttle import blurred, window_key

# In `token_scopes`: whatever its scopes, a valid token is accepted. For what anybody may read.
ANY_SCOPE = "any"
REQUESTS_A_MINUTE = 600
# Tokens that are not ours, from one client. Later ones are refused unseen, but for those that were right from there.
WRONG_A_MINUTE = 30
_WRONG, _MINUTE, _KNOWN_SECONDS = "wrong-token", 60, 86_400


class TokenRefused(AuthenticationFailed):
    """401 with a code of its own."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.default_code = code


class TokenAuthentication(BaseAuthentication):
    """The owner of the token in the header. It comes before the session: a wrong token never falls back to a cookie.

    A browser never sends this header by itself, so there is no CSRF check.
    """

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        # A header may hold any bytes; what is not ASCII is in no token.
        token = _token_of(secret.strip().encode("ascii", "replace").decode(), requester_of(request))
        count_request(Requester(blurred(f"token {token.pk}")), "token", REQUESTS_A_MINUTE)
        token_used(token)
        scope = scope_needed(request.parser_context["view"], str(request.method))
        if scope is None:
            raise Refused(
                "session_only", "This works in the browser only, after a log-in; not with an access token.", status=403
            )
        if scope != ANY_SCOPE and scope not in token.scopes:
            raise Refused("scope_missing", f"This token lacks the scope {scope}.", status=403)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def scope_needed(view: Any, method: str) -> str | None:
    """Return the scope that a token needs for this method of a view; None where no token is accepted."""
    scopes: dict[str, str] = getattr(view, "token_scopes", {})
    return scopes.get("GET" if method == "HEAD" else method)


def _token_of(secret: str, client: Requester) -> AccessToken:
    """Return a valid token, or raise 401, or 429 for a client that sends many wrong ones."""
    known = "token-from:" + salted_hmac("giz.accounts.tokens", f"{secret} {client.one}", algorithm="sha256").hexdigest()
    wrong = cache.get(window_key(_WRONG, client.one, _MINUTE)) or 0
    token = None
    if wrong < WRONG_A_MINUTE or cache.get(known):
        token = token_found(secret)
    if token is not None and token.owner.is_active and token.state == "valid":
        cache.set(known, 1, _KNOWN_SECONDS)
        return token
    count_request(client, _WRONG, WRONG_A_MINUTE, per_seconds=_MINUTE)
    if token is None or not token.owner.is_active:
        raise TokenRefused("bad_token", "There is no such token. Was it copied whole? It begins with giz_.")
    raise TokenRefused(f"token_{token.state}", f"This token is {token.state}. Make a new one (at /accounts/tokens/).")


class IsStaff(IsAdminUser):
    """Staff who have done what is required of them: their own password, the second factor of superusers."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        if step_before_staff_pages(request.user):
            raise Refused(
                "second_factor_required",
                "To use the staff API, first choose your own password and set up two-factor authentication "
                "(at /staff/).",
                status=403,
            )
        return True


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """An access token; each operation that accepts one names the scope."""

    target_class = "giz.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "giz_"}

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        scope = scope_needed(auto_schema.view, auto_schema.method)
        return [] if scope is None else [{"token": [] if scope == ANY_SCOPE else [str(scope)]}]
