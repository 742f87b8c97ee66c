"""Account pages and their answers that allauth does not provide."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.account.views import PasswordResetFromKeyView
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from giz.accounts.api import own_data_file, recently_authenticated, signed_in
from giz.accounts.email_change import (
    email_change_ask,
    email_change_cancel,
    email_change_confirm,
    email_change_of,
    login_address,
)
from giz.accounts.erasure import account_erase
from giz.accounts.forms import EmailChangeForm, TokenForm
from giz.accounts.models import EmailChange
from giz.accounts.tokens import token_make, token_named, token_revoke
from giz.core.errors import Refused


def asks_password(view: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Let a page ask for the log-in, and for the password if it was not entered recently."""

    @wraps(view)
    def asked(request: HttpRequest) -> HttpResponseBase:
        if recently_authenticated(request):
            return view(request)
        response = redirect("account_reauthenticate")
        response["Location"] += f"?next={request.path}"
        return response

    return login_required(asked)


@asks_password
@require_http_methods(["GET", "POST"])
def own_data_page(request: HttpRequest) -> HttpResponseBase:
    """My data: download it or erase the account."""
    problem = ""
    try:
        if request.method == "POST" and "download" in request.POST:
            return own_data_file(signed_in(request))
        if request.method == "POST" and request.POST.get("sure") == "yes":
            account_erase(user=signed_in(request), keeps_comments=request.POST.get("comments") == "keep")
            logout(request)
            return redirect("account_erased")
        if request.method == "POST":
            problem = "Please tick the box first. Erasing an account can't be undone."
    except Refused as error:
        problem = error.detail
    return render(request, "account/data.html", {"problem": problem}, status=400 if problem else 200)


@asks_password
@require_http_methods(["GET", "POST"])
def email_page(request: HttpRequest) -> HttpResponseBase:
    """My e-mail: which address the account has, a link to confirm it, and the change to another one."""
    user, form, status = signed_in(request), EmailChangeForm(), 400
    change = EmailChange.objects.filter(user=user).first()
    unconfirmed = EmailAddress.objects.filter(user=user, verified=False).order_by("-primary", "pk").first()
    try:
        if request.method == "POST" and "action_cancel" in request.POST:
            email_change_cancel(user)
        elif request.method == "POST" and "action_send" in request.POST:
            if change:
                email_change_ask(request, user=user, email=change.email)
            elif unconfirmed:
                send_verification_email_to_address(request, unconfirmed)
        elif request.method == "POST":
            form = EmailChangeForm(request.POST)
            if form.is_valid():
                email_change_ask(request, user=user, email=form.cleaned_data["email"])
        if request.method == "POST" and not form.errors:
            return redirect("account_email")
    except Refused as error:
        form.add_error(None, error.detail)
        status = error.status
    context = {"form": form, "change": change, "unconfirmed": unconfirmed, "address": login_address(user)}
    return render(request, "account/email_change.html", context, status=status if form.errors else 200)


@asks_password
@require_http_methods(["GET", "POST"])
def tokens_page(request: HttpRequest) -> HttpResponseBase:
    """My access tokens: make one, which is shown on this answer only; see and revoke those that exist."""
    owner, made, problem, status = signed_in(request), None, "", 400
    form = TokenForm(initial={"days": 90}, is_staff=owner.is_staff)
    try:
        if request.method == "POST" and "revoke" in request.POST:
            token_revoke(token=token_named(owner, request.POST["revoke"]), actor=owner)
            return redirect("account_tokens")
        if request.method == "POST":
            form = TokenForm(request.POST, is_staff=owner.is_staff)
            if form.is_valid():
                made = token_make(owner=owner, actor=owner, **form.cleaned_data)
                form = TokenForm(initial={"days": 90}, is_staff=owner.is_staff)
    except Refused as error:
        problem, status = error.detail, error.status
    tokens = owner.access_tokens.filter(revoked_at=None).order_by("-id")
    context = {"form": form, "made": made, "problem": problem, "tokens": tokens}
    return render(request, "account/tokens.html", context, status=status if problem or form.errors else 200)


@require_http_methods(["GET", "POST"])
def email_change_page(request: HttpRequest, key: str) -> HttpResponse:
    """The link in the e-mail to a new address: a button confirms, because programs also follow links."""
    is_done, is_taken = False, False
    change = email_change_of(key)
    try:
        is_done = request.method == "POST" and email_change_confirm(request, key=key) is not None
    except Refused as refused:
        is_taken = refused.code == "email_taken"
    context = {"change": change, "is_done": is_done, "is_taken": is_taken}
    is_dead = change is None or is_taken or (request.method == "POST" and not is_done)
    return render(request, "account/email_change_confirm.html", context, status=400 if is_dead else 200)


class PasswordResetFromKey(PasswordResetFromKeyView):  # type: ignore[misc]
    """allauth's page, which answers 200 for a link that was used or has expired; here 400 ``link_used``."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        if getattr(self, "reset_user", self) is not None:
            return response
        if get_adapter(request).is_ajax(request):
            detail = "This link has already been used, or is more than an hour old. Please request a new one."
            return JsonResponse({"code": "link_used", "detail": detail}, status=400)
        response.status_code = 400
        return response


@require_GET
def erased(request: HttpRequest) -> HttpResponse:
    """Show the page after an account was erased."""
    return render(request, "account/erased.html")


def too_many_requests(request: HttpRequest, exception: Exception | None = None, retry_after: int = 60) -> HttpResponse:
    """Answer 429 with the time to wait in words and in Retry-After, also for allauth's limits (``handler429``)."""
    minutes = max(1, round(retry_after / 60))
    response = render(request, "account/too_many_requests.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(retry_after)
    return response


def mail_unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503 where the mail server refuses our e-mail, for known and unknown addresses alike."""
    response = render(request, "account/mail_unavailable.html", status=503)
    response["Retry-After"] = "300"
    return response
