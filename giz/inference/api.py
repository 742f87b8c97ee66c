"""The prediction API, open to everybody and limited by address. Each view validates, calls a service and responds."""

import uuid
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ErrorDetail, NotFound, UnsupportedMediaType
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.accounts.authentication import TokenAuthentication
from giz.accounts.models import AccessToken
from giz.core.answers import json_of, schema_of
from giz.core.api import ErrorSerializer, refuse_unknown_query
from giz.core.errors import Refused
from giz.core.parsers import StrictJSONParser
from giz.core.requester import Requester, count_request, requester_of
from giz.core.tasks import wake_on_commit
from giz.inference import selectors, serializers
from giz.inference.jobs import source_fetch_job
from giz.inference.models import Source
from giz.inference.requests import (
    EVALUATIONS_A_MINUTE,
    MAX_BODY_BYTES,
    SOURCES_A_MINUTE,
    request_pictures,
    turns,
)
from giz.inference.services.documents import (
    ExampleAnswer,
    ModelCardAnswer,
    PredictionAnswer,
    SourceAnswer,
    comparison_document,
    galaxy_document,
    picture_urls,
)
from giz.inference.services.predictions import source_predict, upload_predict
from giz.inference.services.queries import GalaxyQuery, query_of_name, query_of_number
from giz.inference.services.runtime import runtime
from giz.inference.services.sources import refuse_being_judged, source_now, source_of_upload, source_open
from giz.inference.storage import picture_path
from giz.inference.view import View
from labeling.answers import TaskAnswer

ERRORS = dict.fromkeys((400, 404, 413, 415, 429, 503), serializers.PredictErrorSerializer)
RETRY_AFTER_S = 2
PICTURE_HEADERS = {
    "Cache-Control": "private, max-age=3600",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PredictView(APIView):
    """Open to everybody: predictions identify nobody. Signed-in users and tokens have limits of their own."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (AllowAny,)
    token_scopes = {"GET": AccessToken.Scope.PREDICT, "POST": AccessToken.Scope.PREDICT}

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # Without a token the framework replaces the session's user by an anonymous one.
        self._user = getattr(request, "user", None)
        return super().initialize_request(request, *args, **kwargs)

    @cached_property
    def requester(self) -> Requester:
        """Who sends the request. The session is read only if something is counted."""
        return requester_of(self.request, self.request.user if self.request.auth else self._user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            raise Refused("too_large", f"A request may have at most {MAX_BODY_BYTES // 10**6} MB.", status=413)
        super().initial(request, *args, **kwargs)
        refuse_unknown_query(request, ())


class FormView(PredictView):
    """Accepts files in a form only."""

    parser_classes: Sequence[type[BaseParser]] = (MultiPartParser,)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, UnsupportedMediaType):
            exc.detail = ErrorDetail(f"Send the picture in a form: curl -F file=@galaxy.png {self.request.path}")
        return super().handle_exception(exc)


def source_of_query(query: GalaxyQuery, requester: Requester) -> Source:
    """Return the source for a query; if it must be fetched, its job is created."""
    source = source_open(query=query, requester=requester)
    if source.state == Source.State.FETCHING and source.job_id is None:
        wake_on_commit(source_fetch_job(source))
    return source


def source_or_404(source_id: uuid.UUID) -> Source:
    source = source_now(source_id)
    if source is None:
        raise NotFound
    refuse_being_judged(source.galaxy, source.place)
    return source


class SourcesView(PredictView):
    parser_classes = (StrictJSONParser, MultiPartParser)

    @extend_schema(
        operation_id="predict_source_open",
        request={
            "application/json": serializers.SourceOpenSerializer,
            "multipart/form-data": serializers.FilesSerializer,
        },
        responses={201: schema_of(SourceAnswer), 202: schema_of(SourceAnswer), **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Choose what to measure: a galaxy by number, name or place, or your own pictures; 202 while it is fetched."""
        count_request(self.requester, "predict-sources", SOURCES_A_MINUTE)
        runtime.warm()
        if request.content_type and request.content_type.startswith("multipart/"):
            with turns.charged(self.requester):
                pictures = request_pictures(request)
            with turns.taken(self.requester):
                source = source_of_upload(pictures, self.requester)
        else:
            reader = serializers.SourceOpenSerializer(data=request.data)
            reader.is_valid(raise_exception=True)
            source = source_of_query(reader.query(), self.requester)
        status = 202 if source.state == Source.State.FETCHING else 201
        return _source_response(source, status)


class ExamplesView(PredictView):
    @extend_schema(operation_id="predict_examples", responses=schema_of(ExampleAnswer)(many=True))
    def get(self, request: Request) -> Response:
        """A few galaxies of this site to try at once."""
        examples = [json_of(ExampleAnswer.of(image)) for image in selectors.example_images()]
        return Response(examples, headers={"Cache-Control": "public, max-age=300"})


class SourceView(PredictView):
    @extend_schema(operation_id="predict_source", responses={200: schema_of(SourceAnswer), **ERRORS})
    def get(self, request: Request, source_id: uuid.UUID) -> Response:
        """One source; ask again while its state is `fetching`."""
        return _source_response(source_or_404(source_id), 200)


def _source_response(source: Source, status: int) -> Response:
    headers = {"Location": reverse("predict-source", args=[source.pk]), "Cache-Control": "no-store"}
    if source.state == Source.State.FETCHING:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return Response(json_of(SourceAnswer.of(source)), status=status, headers=headers)


class PictureView(PredictView):
    @extend_schema(operation_id="predict_picture", responses={(200, "image/png"): OpenApiTypes.BINARY, **ERRORS})
    def get(self, request: Request, source_id: uuid.UUID, band: str) -> HttpResponseBase:
        """A picture of a source that is no catalogue galaxy, as we wrote it."""
        source = source_or_404(source_id)
        if band not in source.bands:
            raise NotFound
        try:
            response = FileResponse(picture_path(source.pk, band).open("rb"), content_type="image/png")
        except OSError:
            raise NotFound from None
        for name, value in PICTURE_HEADERS.items():
            response.headers[name] = value
        return response


class ComparisonView(PredictView):
    @extend_schema(
        operation_id="predict_comparison",
        responses={200: schema_of(TaskAnswer), 409: ErrorSerializer, **ERRORS},
    )
    def get(self, request: Request, source_id: uuid.UUID) -> Response:
        """This galaxy laid out among standards, to be judged for oneself: nobody leases it, nothing is stored."""
        body = comparison_document(source_or_404(source_id))
        return Response(json_of(body), headers={"Cache-Control": "no-store"})


class EvaluateView(PredictView):
    @extend_schema(
        operation_id="predict_evaluate",
        request=serializers.ViewSerializer,
        responses={200: schema_of(PredictionAnswer), 409: serializers.PredictErrorSerializer, **ERRORS},
    )
    def post(self, request: Request, source_id: uuid.UUID) -> Response:
        """Ask the networks about a source, seen as you turned, magnified and moved it."""
        count_request(self.requester, "predict-evaluations", EVALUATIONS_A_MINUTE)
        reader = serializers.ViewSerializer(data=request.data)
        reader.is_valid(raise_exception=True)
        source = source_or_404(source_id)
        with turns.taken(self.requester):
            return _no_store(json_of(PredictionAnswer.of(source_predict(source, reader.view()))))


class StraightView(PredictView):
    def straight(self, query: Callable[[], GalaxyQuery]) -> Response:
        """Open the source for a query and predict it, in one call."""
        count_request(self.requester, "predict-evaluations", EVALUATIONS_A_MINUTE)
        source = source_of_query(query(), self.requester)
        if source.state == Source.State.FETCHING:
            return _source_response(source, 202)
        with turns.taken(self.requester):
            body = json_of(PredictionAnswer.of(source_predict(source, View())))
        campaign = selectors.open_campaign(source.galaxy) if source.galaxy else None
        return _no_store({**body, "galaxy": galaxy_document(source, campaign), "pictures": picture_urls(source)})


class PgcView(StraightView):
    @extend_schema(
        operation_id="predict_pgc",
        responses={200: serializers.StraightAnswerSerializer, 202: schema_of(SourceAnswer), **ERRORS},
    )
    def get(self, request: Request, pgc: int) -> Response:
        """A galaxy by its PGC number, answered at once; 202 while its pictures are fetched: ask again."""
        return self.straight(lambda: query_of_number(pgc))


class NameView(StraightView):
    @extend_schema(
        operation_id="predict_name",
        responses={200: serializers.StraightAnswerSerializer, 202: schema_of(SourceAnswer), **ERRORS},
    )
    def get(self, request: Request, name: str) -> Response:
        """A galaxy by its name, answered at once; 202 while its pictures are fetched: ask again."""
        return self.straight(lambda: query_of_name(name))


class FileView(FormView):
    @extend_schema(
        operation_id="predict_file",
        request={"multipart/form-data": serializers.FilesSerializer},
        responses={200: serializers.StraightAnswerSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Pictures of your own, answered at once; nothing of them is kept."""
        count_request(self.requester, "predict-evaluations", EVALUATIONS_A_MINUTE)
        with turns.charged(self.requester):
            pictures = request_pictures(request)
        with turns.taken(self.requester):
            body = json_of(PredictionAnswer.of(upload_predict(pictures, View())))
        return _no_store({**body, "galaxy": {}, "pictures": {}})


class ModelView(PredictView):
    @extend_schema(operation_id="predict_model", responses={200: schema_of(ModelCardAnswer), **ERRORS})
    def get(self, request: Request, version: str) -> Response:
        """The card of a network: what it was trained on, and how good it was on test galaxies."""
        found = selectors.model_version(version)
        if found is None:
            raise NotFound
        return Response(json_of(ModelCardAnswer.of(found)), headers={"Cache-Control": "public, max-age=3600"})


def _no_store(body: dict[str, Any]) -> Response:
    return Response(body, headers={"Cache-Control": "no-store"})
