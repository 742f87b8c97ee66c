"""The API of exports, for staff: ask for the labels or votes of a campaign, follow the job, fetch the file."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.accounts.authentication import IsStaff
from giz.accounts.models import AccessToken
from giz.core import audit
from giz.core.answers import json_of, schema_of
from giz.core.api import ErrorSerializer, StrictSerializer, body_of, refuse_unknown_query
from giz.core.models import Job
from labeling.jobs import export_start
from labeling.models import Campaign
from labeling.services.export_files import CONTENT_TYPES, FILE_ENDINGS, LABELS, VOTES, export_file, export_name

ERRORS = dict.fromkeys((400, 401, 403, 404, 429), ErrorSerializer)
FORMATS = list(FILE_ENDINGS)


class LabelsExportSerializer(StrictSerializer):
    format = serializers.ChoiceField(choices=FORMATS, default="csv")


class VotesExportSerializer(StrictSerializer):
    format = serializers.ChoiceField(choices=FORMATS, default="csv")
    since = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=120,
        help_text="`start`, or the cursor of the export before; empty: all votes of this moment",
    )
    release = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=60,
        help_text="people have the same pseudonym in all exports of one release (default: the campaign's name)",
    )
    shown = serializers.BooleanField(default=False, help_text="add the standards that were on screen (slower)")


@dataclass(frozen=True, slots=True)
class ExportAnswer:
    """An export: poll it until `state` is `done`, then fetch `file` within a day."""

    id: uuid.UUID
    state: Annotated[str, "queued, running, done, failed or cancelled"]
    done: Annotated[int, "of `total` rows"]
    total: int
    error: str
    file: Annotated[str | None, "address of the finished file"]
    sha256: Annotated[str | None, "checksum of the file"]
    cursor: Annotated[str | None, "of votes with `since`: where the next export begins"]

    @classmethod
    def of(cls, job: Job, file_address: str) -> "ExportAnswer":
        error = "The export failed; see its job on the staff pages." if job.state == Job.State.FAILED else ""
        address = file_address if export_file(job) else None
        result = job.result or {}
        values = (address, result.get("sha256"), result.get("cursor"))
        return cls(job.id, job.state, job.progress_done, job.progress_total, error, *values)


class ExportsView(APIView):
    """What both kinds of export share; a token needs the scope of the kind."""

    permission_classes = (IsStaff,)
    kind = LABELS
    token_scopes = {"GET": AccessToken.Scope.LABELS, "POST": AccessToken.Scope.LABELS}

    def started(self, request: Request, name: str, wish: dict[str, Any]) -> Response:
        campaign = get_object_or_404(Campaign, name=name)
        return self.told(export_start(campaign=campaign, kind=self.kind, owner=request.user, **wish), name, status=201)

    def job(self, name: str, export_id: uuid.UUID) -> Job:
        return get_object_or_404(Job, pk=export_id, kind=self.kind, params__campaign=name)

    def told(self, job: Job, name: str, status: int = 200) -> Response:
        what = self.kind.removeprefix("export_")
        answer = ExportAnswer.of(job, reverse(f"{what}-export-file", args=[name, job.pk]))
        return Response(json_of(answer), status=status, headers={} if answer.file else {"Retry-After": "2"})

    def sent(self, request: Request, name: str, export_id: uuid.UUID) -> HttpResponseBase:
        """Return the file; granian sends it from the disk, so that no thread waits for its reader."""
        refuse_unknown_query(request, ())
        job = self.job(name, export_id)
        path = export_file(job)
        if path is None:
            raise NotFound
        audit.record(f"{self.kind}_downloaded", actor=request.user, subject=name, file=path.name)
        kind = CONTENT_TYPES[job.params["format"]]
        return FileResponse(path.open("rb"), as_attachment=True, filename=export_name(job), content_type=kind)


class LabelsExportsView(ExportsView):
    @extend_schema(
        operation_id="labels_export",
        request=LabelsExportSerializer,
        responses={201: schema_of(ExportAnswer), **ERRORS},
    )
    def post(self, request: Request, name: str) -> Response:
        """Begin an export of the campaign's labels, for staff."""
        return self.started(request, name, body_of(LabelsExportSerializer, request))


class LabelsExportView(ExportsView):
    @extend_schema(operation_id="labels_export_state", responses={200: schema_of(ExportAnswer), **ERRORS})
    def get(self, request: Request, name: str, export_id: uuid.UUID) -> Response:
        """How far an export of labels is."""
        refuse_unknown_query(request, ())
        return self.told(self.job(name, export_id), name)


class LabelsExportFileView(ExportsView):
    @extend_schema(
        operation_id="labels_export_file",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **ERRORS},
    )
    def get(self, request: Request, name: str, export_id: uuid.UUID) -> HttpResponseBase:
        """The finished file of an export of labels."""
        return self.sent(request, name, export_id)


class VotesExports(ExportsView):
    kind = VOTES
    token_scopes = {"GET": AccessToken.Scope.VOTES, "POST": AccessToken.Scope.VOTES}


class VotesExportsView(VotesExports):
    @extend_schema(
        operation_id="votes_export", request=VotesExportSerializer, responses={201: schema_of(ExportAnswer), **ERRORS}
    )
    def post(self, request: Request, name: str) -> Response:
        """Begin an export of the campaign's votes under pseudonyms, for staff."""
        return self.started(request, name, body_of(VotesExportSerializer, request))


class VotesExportView(VotesExports):
    @extend_schema(operation_id="votes_export_state", responses={200: schema_of(ExportAnswer), **ERRORS})
    def get(self, request: Request, name: str, export_id: uuid.UUID) -> Response:
        """How far an export of votes is."""
        refuse_unknown_query(request, ())
        return self.told(self.job(name, export_id), name)


class VotesExportFileView(VotesExports):
    @extend_schema(
        operation_id="votes_export_file",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **ERRORS},
    )
    def get(self, request: Request, name: str, export_id: uuid.UUID) -> HttpResponseBase:
        """The finished file of an export of votes."""
        return self.sent(request, name, export_id)
