"""The addresses of the original service, for programs written for it: its responses, with proper status codes."""

import json
from typing import Any

from django.http import HttpResponse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from giz.core.api import exception_handler
from giz.core.errors import Refused
from giz.core.requester import count_request
from giz.inference.api import RETRY_AFTER_S, PredictView, source_of_query
from giz.inference.models import Source
from giz.inference.requests import EVALUATIONS_A_MINUTE, request_pictures, turns
from giz.inference.services.original import original_galaxy, original_prediction
from giz.inference.services.queries import GalaxyQuery, query_of_name, query_of_number
from giz.inference.services.runtime import runtime
from giz.inference.services.sources import refuse_not_ready, source_pictures

FILE_NAME_LETTERS = 120


class OriginalView(PredictView):
    """Errors contain the original's `status` and `message` as well as the code and detail of this API."""

    schema = None
    failed = "failed"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        count_request(self.requester, "predict-evaluations", EVALUATIONS_A_MINUTE)

    def handle_exception(self, exc: Exception) -> Response:
        response = exception_handler(exc, self.get_exception_handler_context())
        if response is None:
            return super().handle_exception(exc)
        response.data = {"status": self.failed, "message": response.data["detail"], **response.data}
        response.exception = True
        return response


def _response(body: dict[str, Any], status: int = 200) -> HttpResponse:
    """Return a body as the original writes it: indented, with a newline at the end."""
    text = json.dumps(body, indent=2, allow_nan=False) + "\n"
    response = HttpResponse(text, content_type="application/json", status=status)
    response.headers["Cache-Control"] = "no-store"
    if status == 202:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _pending() -> HttpResponse:
    message = "The galaxy is being fetched from the surveys. Try again in a few seconds."
    return _response({"status": "pending", "message": message}, status=202)


class OriginalPredictionView(OriginalView):
    def predict(self, query: GalaxyQuery, *, objname: str | None = None) -> HttpResponse:
        source = source_of_query(query, self.requester)
        if source.state == Source.State.FETCHING:
            return _pending()
        with turns.taken(self.requester):
            predicted = original_prediction(source_pictures(source), runtime.networks())
        pgc = str(query.pgc) if objname is None else source.pgc
        return _response(
            {"status": "success", "galaxy": original_galaxy(source, pgc=pgc, objname=objname), **predicted}
        )


class OriginalPgcView(OriginalPredictionView):
    def get(self, request: Request, pgc: str) -> HttpResponse:
        return self.predict(query_of_number(pgc))


class OriginalNameView(OriginalPredictionView):
    def get(self, request: Request, name: str) -> HttpResponse:
        return self.predict(query_of_name(name), objname=name)


class OriginalFileView(OriginalView):
    parser_classes = (MultiPartParser,)

    def post(self, request: Request) -> HttpResponse:
        pictures = request_pictures(request)
        if list(request.FILES) != ["file"] or len(request.FILES.getlist("file")) != 1:
            raise Refused("no_file", "Send one picture in the field file.")
        name = "".join(letter for letter in str(request.FILES["file"].name) if letter.isprintable())
        with turns.taken(self.requester):
            predicted = original_prediction(pictures, runtime.networks())
        return _response({"status": "success", "filename": name[:FILE_NAME_LETTERS], **predicted})


class FactsView(OriginalView):
    """Facts about a galaxy, without a prediction."""

    failed = "error"

    def facts(self, query: GalaxyQuery, *, pgc: Any = None, objname: str | None = None) -> HttpResponse:
        source = source_of_query(query, self.requester)
        if source.state == Source.State.FETCHING:
            return _pending()
        refuse_not_ready(source)
        found = original_galaxy(source, pgc=source.pgc if pgc is None else pgc, objname=objname, with_units=False)
        return _response({"status": "success", **found})


class GetPgcView(FactsView):
    def post(self, request: Request) -> HttpResponse:
        asked = _only(request, "pgc")
        return self.facts(query_of_number(asked), pgc=asked)


class GetObjView(FactsView):
    def post(self, request: Request) -> HttpResponse:
        asked = _only(request, "objname")
        return self.facts(query_of_name(str(asked)), objname=str(asked))


def _only(request: Request, name: str) -> str | int:
    """Return the only field of the body, a text or a whole number."""
    body = request.data
    if not isinstance(body, dict) or set(body) != {name}:
        raise Refused("unknown_field", f'Send {{"{name}": …}} and nothing else.')
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Refused("validation_error", f"{name} must be a text or a whole number.")
    return value
