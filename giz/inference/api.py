"""The prediction API: open to everybody, counted by address. Each view validates, calls a service, and answers."""

import uuid
from typing import Any

from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.core.api import ErrorSerializer, refuse_unknown_query
from giz.core.errors import Refused
from giz.core.parsers import StrictJSONParser
from giz.core.tasks import wake_on_commit
from giz.inference import selectors, serializers
from giz.inference.jobs import source_fetch_job
from giz.inference.limits import EVALUATIONS_A_MINUTE, SOURCES_A_MINUTE, count_request
from giz.inference.models import Source
from giz.inference.received import MAX_BODY_BYTES, pictures_received
from giz.inference.services.asking import pictures_evaluate, source_evaluate
from giz.inference.services.comparisons import comparison_document
from giz.inference.services.documents import examples_document, galaxy_document, picture_urls, source_document
from giz.inference.services.runtime import runtime
from giz.inference.services.sources import Wish, source_now, source_of_upload, source_open, wish_of_name
from giz.inference.storage import picture_path
from giz.inference.view import View
from labeling.serializers import TaskSerializer

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
    """Nobody is asked who they are: a prediction knows no person, so no cookie is read and none is needed."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
            raise Refused("too_large", f"At most {MAX_BODY_BYTES // 10**6} MB are taken at once.", status=413)
        super().initial(request, *args, **kwargs)
        refuse_unknown_query(request, ())


def source_wished(wish: Wish) -> Source:
    """The source of a wish; where it must be fetched, a worker is woken."""
    source = source_open(wish=wish)
    if source.state == Source.State.FETCHING and source.job_id is None:
        wake_on_commit(source_fetch_job(source))
    return source


def source_or_404(source_id: uuid.UUID) -> Source:
    source = source_now(source_id)
    if source is None:
        raise NotFound
    return source


class SourcesView(PredictView):
    parser_classes = (StrictJSONParser, MultiPartParser)

    @extend_schema(
        operation_id="predict_source_open",
        request={
            "application/json": serializers.SourceOpenSerializer,
            "multipart/form-data": serializers.FilesSerializer,
        },
        responses={201: serializers.SourceSerializer, 202: serializers.SourceSerializer, **ERRORS},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Choose what to measure: a galaxy by number, name or place, or your own pictures; 202 while it is fetched."""
        count_request(request, "sources", SOURCES_A_MINUTE)
        runtime.warm()
        if request.content_type and request.content_type.startswith("multipart/"):
            source = source_of_upload(pictures_received(request))
        else:
            reader = serializers.SourceOpenSerializer(data=request.data)
            reader.is_valid(raise_exception=True)
            source = source_wished(reader.wish())
        status = 202 if source.state == Source.State.FETCHING else 201
        return _source_response(source, status)


class ExamplesView(PredictView):
    @extend_schema(operation_id="predict_examples", responses=serializers.ExampleSerializer(many=True), auth=[])
    def get(self, request: Request) -> Response:
        """A few galaxies of this site to try at once."""
        return Response(examples_document(), headers={"Cache-Control": "public, max-age=300"})


class SourceView(PredictView):
    @extend_schema(operation_id="predict_source", responses={200: serializers.SourceSerializer, **ERRORS}, auth=[])
    def get(self, request: Request, source_id: uuid.UUID) -> Response:
        """One source; ask again while its state is `fetching`."""
        return _source_response(source_or_404(source_id), 200)


def _source_response(source: Source, status: int) -> Response:
    headers = {"Location": reverse("predict-source", args=[source.pk]), "Cache-Control": "no-store"}
    if source.state == Source.State.FETCHING:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return Response(source_document(source), status=status, headers=headers)


class PictureView(PredictView):
    @extend_schema(
        operation_id="predict_picture", responses={(200, "image/png"): OpenApiTypes.BINARY, **ERRORS}, auth=[]
    )
    def get(self, request: Request, source_id: uuid.UUID, band: str) -> HttpResponseBase:
        """A picture of a source that is no catalogue galaxy, as we wrote it."""
        source = source_or_404(source_id)
        if band not in source.bands:
            raise NotFound
        try:
            answer = FileResponse(picture_path(source.pk, band).open("rb"), content_type="image/png")
        except OSError:
            raise NotFound from None
        for name, value in PICTURE_HEADERS.items():
            answer.headers[name] = value
        return answer


class ComparisonView(PredictView):
    @extend_schema(
        operation_id="predict_comparison", responses={200: TaskSerializer, 409: ErrorSerializer, **ERRORS}, auth=[]
    )
    def get(self, request: Request, source_id: uuid.UUID) -> Response:
        """This galaxy laid out among standards, to be judged for oneself: nobody leases it, nothing is stored."""
        body = comparison_document(source_or_404(source_id))
        return Response(body, headers={"Cache-Control": "no-store"})


class EvaluateView(PredictView):
    @extend_schema(
        operation_id="predict_evaluate",
        request=serializers.ViewSerializer,
        responses={200: serializers.PredictionSerializer, 409: serializers.PredictErrorSerializer, **ERRORS},
        auth=[],
    )
    def post(self, request: Request, source_id: uuid.UUID) -> Response:
        """Ask the networks about a source, seen as you turned, magnified and moved it."""
        count_request(request, "evaluations", EVALUATIONS_A_MINUTE)
        reader = serializers.ViewSerializer(data=request.data)
        reader.is_valid(raise_exception=True)
        return _no_store(source_evaluate(source_or_404(source_id), reader.view()))


class PgcView(PredictView):
    @extend_schema(
        operation_id="predict_pgc",
        responses={200: serializers.StraightAnswerSerializer, 202: serializers.SourceSerializer, **ERRORS},
        auth=[],
    )
    def get(self, request: Request, pgc: int) -> Response:
        """A galaxy by its PGC number, answered at once; 202 while its pictures are fetched: ask again."""
        return _straight(request, Wish(pgc=pgc))


class NameView(PredictView):
    @extend_schema(
        operation_id="predict_name",
        responses={200: serializers.StraightAnswerSerializer, 202: serializers.SourceSerializer, **ERRORS},
        auth=[],
    )
    def get(self, request: Request, name: str) -> Response:
        """A galaxy by its name, answered at once; 202 while its pictures are fetched: ask again."""
        return _straight(request, wish_of_name(name))


def _straight(request: Request, wish: Wish) -> Response:
    count_request(request, "evaluations", EVALUATIONS_A_MINUTE)
    source = source_wished(wish)
    if source.state == Source.State.FETCHING:
        return _source_response(source, 202)
    said = source_evaluate(source, View())
    campaign = selectors.open_campaign(source.galaxy) if source.galaxy else None
    return _no_store({**said, "galaxy": galaxy_document(source, campaign), "pictures": picture_urls(source)})


class FileView(PredictView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="predict_file",
        request={"multipart/form-data": serializers.FilesSerializer},
        responses={200: serializers.StraightAnswerSerializer, **ERRORS},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Pictures of your own, answered at once; nothing of them is kept."""
        count_request(request, "evaluations", EVALUATIONS_A_MINUTE)
        said = pictures_evaluate(pictures_received(request), View())
        return _no_store({**said, "galaxy": {}, "pictures": {}})


class ModelView(PredictView):
    @extend_schema(operation_id="predict_model", responses={200: serializers.ModelCardSerializer, **ERRORS}, auth=[])
    def get(self, request: Request, version: str) -> Response:
        """The card of a network: what it was trained on, and how good it was on test galaxies."""
        found = selectors.model_version(version)
        if found is None:
            raise NotFound
        return Response(
            {
                "version": found.sha256[:12],
                "sha256": found.sha256,
                "network": found.network,
                "byte_count": found.byte_count,
                "card": found.card,
                "report": found.report,
                "created_at": found.created_at,
            },
            headers={"Cache-Control": "public, max-age=3600"},
        )


def _no_store(body: dict[str, Any]) -> Response:
    return Response(body, headers={"Cache-Control": "no-store"})
