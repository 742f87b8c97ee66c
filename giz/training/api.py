"""The API of training, for staff: list trainings; start, cancel and resume them."""

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.accounts.authentication import IsStaff
from giz.accounts.models import AccessToken
from giz.core.api import EmptySerializer, ErrorSerializer, Pagination, StrictSerializer, body_of, refuse_unknown_query
from giz.training.jobs import (
    DEVICE,
    DEVICE_WORDS,
    FLAVOURS,
    MOST_MINUTES,
    MOST_PROCESSES,
    MOST_SEED,
    MOST_STEPS,
    training_cancel,
    training_resume,
    training_start,
)
from giz.training.models import TrainingRun
from giz.training.nn.kinds import NETWORKS, OURS
from giz.training.selectors import training_runs
from giz.training.storage import labelset_folder

ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 429), ErrorSerializer)
PAGES = [OpenApiParameter("limit", int), OpenApiParameter("offset", int)]


class TrainingStartSerializer(StrictSerializer):
    """What to train on, and for how long: `minutes` or `steps`, not both."""

    labelset = serializers.CharField(max_length=200, help_text="folder below labelsets/ in GIZ_HOME")
    network = serializers.ChoiceField(choices=NETWORKS, default=OURS)
    minutes = serializers.FloatField(min_value=0, max_value=MOST_MINUTES, default=0.0)
    steps = serializers.IntegerField(min_value=0, max_value=MOST_STEPS, default=0)
    flavour = serializers.IntegerField(
        min_value=min(FLAVOURS), max_value=max(FLAVOURS), default=0, help_text="1 to 3: a sub-sample; 0: all"
    )
    seed = serializers.IntegerField(min_value=0, max_value=MOST_SEED, default=1)
    processes = serializers.IntegerField(
        min_value=1,
        max_value=MOST_PROCESSES,
        default=1,
        help_text="number of processes that share the work, one GPU each where possible",
    )
    device = serializers.RegexField(
        DEVICE,
        default="",
        allow_blank=True,
        error_messages={"invalid": DEVICE_WORDS},
        help_text="cpu, cuda or cuda:1 (the second GPU); empty: a GPU where the machine that trains has one",
    )
    start = serializers.CharField(
        max_length=64,
        default="",
        allow_blank=True,
        help_text="initial weights: of the network that is served, or of one of ours by its checksum; empty: none",
    )
    mixed = serializers.BooleanField(default=False, help_text="half of each batch are synthetic galaxies")
    promote = serializers.BooleanField(default=True, help_text="whether to put it into use if it passes the gate")


class TrainingRunSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=["queued", "running", "done", "failed", "cancelled"])
    labelset = serializers.SerializerMethodField(
        help_text="folder below labelsets/, to train on it again; empty if it is elsewhere"
    )
    labelset_name = serializers.CharField(help_text="its own name")
    labelset_digest = serializers.CharField()
    network = serializers.CharField()
    flavour = serializers.IntegerField()
    processes = serializers.IntegerField()
    device = serializers.CharField(help_text="empty: a GPU where there is one")
    done = serializers.IntegerField(source="job.progress_done", default=0, help_text="of `total`, as the job counts")
    total = serializers.IntegerField(source="job.progress_total", default=0)
    message = serializers.CharField(source="job.message", default="")
    error = serializers.CharField(help_text="why it failed")
    best = serializers.JSONField(help_text="the best validation")
    gate = serializers.JSONField(help_text="whether it may replace the network in use, and why")
    model = serializers.CharField(source="version.sha256", default=None, allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_labelset(self, run: TrainingRun) -> str:
        return labelset_folder(run)


class TrainingRunPageSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = TrainingRunSerializer(many=True)


class StaffView(APIView):
    permission_classes = (IsStaff,)
    token_scopes = {"GET": AccessToken.Scope.TRAINING, "POST": AccessToken.Scope.TRAINING}


class TrainingRunsView(StaffView):
    @extend_schema(operation_id="training_runs", parameters=PAGES, responses={200: TrainingRunPageSerializer, **ERRORS})
    def get(self, request: Request) -> Response:
        """List all trainings, the newest first."""
        refuse_unknown_query(request, ("limit", "offset"))
        pages = Pagination()
        rows = pages.paginate_queryset(training_runs(), request, view=self)
        return pages.get_paginated_response(TrainingRunSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="training_start",
        request=TrainingStartSerializer,
        responses={201: TrainingRunSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Queue a training. If an identical one is still queued or running, return that one."""
        run = training_start(owner=request.user, **body_of(TrainingStartSerializer, request))
        return Response(TrainingRunSerializer(run).data, status=201)


class TrainingRunView(StaffView):
    @extend_schema(operation_id="training_run", responses={200: TrainingRunSerializer, **ERRORS})
    def get(self, request: Request, run_id: uuid.UUID) -> Response:
        """Return one training."""
        refuse_unknown_query(request, ())
        return Response(TrainingRunSerializer(_run(run_id)).data)


class TrainingCancelView(StaffView):
    @extend_schema(
        operation_id="training_cancel", request=EmptySerializer, responses={200: TrainingRunSerializer, **ERRORS}
    )
    def post(self, request: Request, run_id: uuid.UUID) -> Response:
        """Cancel a training: immediately if it is queued, at its next step if it is running."""
        body_of(EmptySerializer, request)
        training_cancel(run=_run(run_id), actor=request.user)
        return Response(TrainingRunSerializer(_run(run_id)).data)


class TrainingResumeView(StaffView):
    @extend_schema(
        operation_id="training_resume", request=EmptySerializer, responses={200: TrainingRunSerializer, **ERRORS}
    )
    def post(self, request: Request, run_id: uuid.UUID) -> Response:
        """Resume a training that was cancelled or failed, from its last checkpoint."""
        body_of(EmptySerializer, request)
        training_resume(run=_run(run_id), actor=request.user)
        return Response(TrainingRunSerializer(_run(run_id)).data)


def _run(run_id: uuid.UUID) -> TrainingRun:
    return get_object_or_404(training_runs(), pk=run_id)
