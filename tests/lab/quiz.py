"""The quiz "real or synthetic?" in a browser on this machine. ``python -m tests.lab.quiz --person NAME``

It shows pictures of the site's catalogue and keeps the answers in the site's database. The score includes
the answers that were given on the staff page of earlier versions.
"""

import sys
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.servers.basehttp import run as serve
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.template import Context, Engine
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from giz.accounts.models import User
from giz.catalog.models import RealismTrial
from giz.catalog.storage import display_file_read
from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.embedded.session import services_for_command
from tests.lab import run
from tests.lab.quiz_trials import ROUND_TRIALS, SHOWN_PX, QuizScore, last_round, quiz_score, trial_answer, trial_next
from tests.lab.shares import Share

HERE = Path(__file__).parent
HOSTS = ["127.0.0.1", "localhost"]


class Quiz:
    """The pages of the quiz for one person; Django takes it as the root of the addresses."""

    def __init__(self, person: User) -> None:
        self.person = person

    @property
    def urlpatterns(self) -> list[URLPattern]:
        return [
            path("", require_GET(self.page)),
            path("next/", require_POST(self.next)),
            path("answer/", require_POST(self.answer)),
            path("<uuid:trial_id>.webp", require_GET(self.picture)),
        ]

    def page(self, request: HttpRequest) -> HttpResponse:
        """The score, the last round, and the place where pictures appear."""
        score = quiz_score()
        context = {
            "csrf_token": get_token(request),
            "round": ROUND_TRIALS,
            "answered": RealismTrial.objects.filter(person=self.person, is_counted=False).exclude(said="").count(),
            "score": score,
            "shares": _rows(score, self.person.pk),
            "fooled": _row("synthetic", score.synthetic_for_real),
            "believed": _row("real", score.real_for_real),
            "judged": [_judged(trial) for trial in last_round(self.person, ROUND_TRIALS)],
            "style": (HERE / "quiz.css").read_text(encoding="utf-8"),
            "script": (HERE / "quiz.js").read_text(encoding="utf-8"),
        }
        template = Engine().from_string((HERE / "quiz.html").read_text(encoding="utf-8"))
        return HttpResponse(template.render(Context(context)))

    def next(self, _request: HttpRequest) -> HttpResponse:
        try:
            return JsonResponse(self._open_trial())
        except Refused as error:
            return _refused(error)

    def answer(self, request: HttpRequest) -> HttpResponse:
        said = request.POST.get("said", "")
        try:
            if said not in RealismTrial.Kind.values:
                raise Refused("bad_answer", "An answer is real or synthetic.")
            is_over = trial_answer(person=self.person, trial_id=_uuid(request.POST.get("trial", "")), said=said)
            return JsonResponse({"trial": None, "picture": None} if is_over else self._open_trial())
        except Refused as error:
            return _refused(error)

    def picture(self, _request: HttpRequest, trial_id: uuid.UUID) -> HttpResponse:
        """The picture under an address that says nothing; the same headers for both kinds, kept by no cache."""
        trial = get_object_or_404(RealismTrial.objects.select_related("image"), pk=trial_id, person=self.person)
        try:
            data = display_file_read(trial.image.stem, SHOWN_PX)
        except FileNotFoundError:
            raise Http404 from None
        return HttpResponse(data, content_type="image/webp", headers={"Cache-Control": "no-store"})

    def _open_trial(self) -> dict[str, Any]:
        trial = trial_next(person=self.person)
        if trial is None:
            return {"trial": None, "picture": None}
        return {"trial": str(trial.pk), "picture": f"/{trial.pk}.webp"}


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Refused("no_trial", "This picture was not shown to you.", status=404) from None


def _refused(error: Refused) -> JsonResponse:
    return JsonResponse({"code": error.code, "detail": error.detail}, status=error.status)


def _rows(score: QuizScore, me: Any) -> list[dict[str, Any]]:
    """The rows of the plot: everybody together, then each person."""
    names: dict[int | None, str] = {
        user.pk: user.public_name for user in User.objects.filter(pk__in=[pk for pk, _ in score.people if pk])
    }
    rows = [_row("everybody", score.right)] if len(score.people) > 1 else []
    for person, share in score.people:
        name = "you" if person == me else names.get(person, "deleted account")
        rows.append(_row(name, share))
    return rows


def _row(name: str, share: Share) -> dict[str, Any]:
    """A share in per cent, as text and as places on an axis of 100."""
    low, value, high = (100 * part for part in (share.low, share.value, share.high))
    return {
        "name": name,
        "share": share,
        "low": low,
        "value": value,
        "high": high,
        "width": high - low,
        "mark": value - 0.4,
    }


def _judged(trial: RealismTrial) -> dict[str, Any]:
    return {
        "trial": trial,
        "galaxy": trial.image.galaxy,
        "address": f"/{trial.pk}.webp",
        "is_right": trial.said == trial.truth,
    }


def person_named(name: str) -> User:
    """Return the active account with this e-mail address or volunteer number. Raises Refused."""
    wanted = {"volunteer_number": int(name)} if name.isascii() and name.isdecimal() else {"email__iexact": name}
    person = User.objects.filter(is_active=True, **wanted).first()
    if person is None:
        raise Refused("no_person", f"There is no account {name!r}. Give an e-mail address or a volunteer number.")
    return person


def serve_quiz(settings: Any, person: User) -> None:
    """Have this process serve the quiz alone, to browsers on this machine."""
    settings.ROOT_URLCONF = Quiz(person)
    settings.ALLOWED_HOSTS = HOSTS
    settings.CSRF_COOKIE_SECURE = False
    settings.SECURE_SSL_REDIRECT = False
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]


class Command(GizCommand):
    help = (
        "Show real and synthetic pictures of the site's catalogue in a browser on this machine and ask which is which. "
        "Answers are kept in the site's database; after each round of twenty the page shows the score."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--person", required=True, metavar="NAME", help="who answers: e-mail or volunteer number")
        parser.add_argument("--port", type=int, default=8765, metavar="N", help="port of the page (default 8765)")

    def handle(self, *, person: str, port: int, **_options: Any) -> None:
        serve_quiz(settings, person_named(person))
        self.stdout.write(f"Open http://127.0.0.1:{port}/ in a browser. Ctrl-C ends the quiz.")
        try:
            serve("127.0.0.1", port, get_wsgi_application(), threading=True)
        except KeyboardInterrupt:
            self.stdout.write("The answers are kept.")
        except OSError as error:
            raise CommandError(f"Port {port} can't be used ({error.strerror}). Choose another by --port.") from None


if __name__ == "__main__":
    with services_for_command(["python", "quiz", *sys.argv[1:]]):
        run(Command(), "quiz")
