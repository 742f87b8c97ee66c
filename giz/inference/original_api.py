"""The original's own addresses, for programs that were written for it: its answers, with proper status codes."""

import json
from typing import Any

from django.http import HttpResponse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from giz.core.api import exception_handler
from giz.core.errors import Refused
from giz.inference.api import RETRY_AFTER_S, PredictView, source_wished
from giz.inference.limits import EVALUATIONS_A_MINUTE, count_request
from giz.inference.models import Source
from giz.inference.received import pictures_received
from giz.inference.serializers import MOST_PGC
from giz.inference.services.original import original_answer, original_galaxy
from giz.inference.services.runtime import runtime
from giz.inference.services.sources import Wish, refuse_not_ready, source_pictures, wish_of_name

FILE_NAME_LETTERS = 120


class OriginalView(PredictView):
    """Errors keep the original's `status` and `message`, beside the code and detail of this API."""

    schema = None
    failed = "failed"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        count_request(request, "evaluations", EVALUATIONS_A_MINUTE)

    def handle_exception(self, exc: Exception) -> Response:
        answer = exception_handler(exc, self.get_exception_handler_context())
        if answer is None:
            return super().handle_exception(exc)
        answer.data = {"status": self.failed, "message": answer.data["detail"], **answer.data}
        answer.exception = True
        return answer


def _said(body: dict[str, Any], status: int = 200) -> HttpResponse:
    """Indented, with a newline at the end, as the original wrote it."""
    text = json.dumps(body, indent=2, allow_nan=False) + "\n"
    answer = HttpResponse(text, content_type="application/json", status=status)
    answer.headers["Cache-Control"] = "no-store"
    if status == 202:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def _pending() -> HttpResponse:
    message = "The galaxy is being fetched from the surveys. Ask again in a few seconds."
    return _said({"status": "pending", "message": message}, status=202)


def _answer(wish: Wish, *, objname: str | None = None) -> HttpResponse:
    source = source_wished(wish)
    if source.state == Source.State.FETCHING:
        return _pending()
    pictures = source_pictures(source)
    pgc = str(wish.pgc) if objname is None else source.pgc
    galaxy = original_galaxy(source, pgc=pgc, objname=objname)
    return _said({"status": "success", "galaxy": galaxy, **original_answer(pictures, runtime.networks())})


class OriginalPgcView(OriginalView):
    def get(self, request: Request, pgc: str) -> HttpResponse:
        return _answer(Wish(pgc=_number(pgc)))


class OriginalNameView(OriginalView):
    def get(self, request: Request, name: str) -> HttpResponse:
        return _answer(wish_of_name(name), objname=name)


class OriginalFileView(OriginalView):
    parser_classes = (MultiPartParser,)

    def post(self, request: Request) -> HttpResponse:
        pictures = pictures_received(request)
        if list(request.FILES) != ["file"] or len(request.FILES.getlist("file")) != 1:
            raise Refused("no_file", "Send one picture in the field file.")
        name = "".join(letter for letter in str(request.FILES["file"].name) if letter.isprintable())
        said = original_answer(pictures, runtime.networks())
        return _said({"status": "success", "filename": name[:FILE_NAME_LETTERS], **said})


class FactsView(OriginalView):
    """What is known of a galaxy, without looking at it."""

    failed = "error"

    def facts(self, wish: Wish, *, pgc: Any = None, objname: str | None = None) -> HttpResponse:
        source = source_wished(wish)
        if source.state == Source.State.FETCHING:
            return _pending()
        refuse_not_ready(source)
        found = original_galaxy(source, pgc=source.pgc if pgc is None else pgc, objname=objname, with_units=False)
        return _said({"status": "success", **found})


class GetPgcView(FactsView):
    def post(self, request: Request) -> HttpResponse:
        asked = _only(request, "pgc")
        return self.facts(Wish(pgc=_number(str(asked))), pgc=asked)


class GetObjView(FactsView):
    def post(self, request: Request) -> HttpResponse:
        asked = _only(request, "objname")
        return self.facts(wish_of_name(str(asked)), objname=str(asked))


def _only(request: Request, name: str) -> str | int:
    """The one field that the body has, a text or a whole number."""
    body = request.data
    if not isinstance(body, dict) or set(body) != {name}:
        raise Refused("unknown_field", f'Send {{"{name}": …}} and nothing else.')
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Refused("validation_error", f"{name} is a text or a whole number.")
    return value


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:12]) <= MOST_PGC and len(text) <= 12):
        raise Refused("bad_pgc", "A PGC number is a whole number above 0.")
    return int(text)
