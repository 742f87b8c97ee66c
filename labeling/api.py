"""The labelling API: each view validates, calls one service or selector, and answers."""

import uuid
from typing import Any

from django.db import transaction
from django.middleware.csrf import get_token
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.accounts.services import preferences_update
from giz.catalog.storage import IMAGE_PATH
from giz.core.api import EmptySerializer, ErrorSerializer, Pagination, body_of, refuse_unknown_query
from labeling import selectors, serializers
from labeling.leased import LeasedTask
from labeling.models import Vote
from labeling.pools import set_pools
from labeling.services.tasks import task_lease, task_renew, task_skip
from labeling.services.votes import VoteAnswer, vote_record, vote_undo
from labeling.tasks import wake_consensus

ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 422), ErrorSerializer)


def _task_body(task: LeasedTask) -> dict[str, Any]:
    pools = set_pools(task.standard_set_id).for_target(task.galaxy_id)
    orders = pools.orders(task.seed)
    return {
        "id": task.id,
        "campaign": task.campaign,
        "standard_set": task.standard_set_id,
        "due_at": task.due_at,
        "target": {
            "label": task.label,
            "images": task.images,
            "sizes_px": task.sizes_px,
            "image_path": IMAGE_PATH,
        },
        "sources": {str(nominal): source for nominal, source in pools.sources.items()},
        "orders": {str(bin_deg): orders[bin_deg] for bin_deg in orders},
    }


def _vote_body(vote: VoteAnswer) -> dict[str, Any]:
    return {
        "key": vote.key,
        "task": vote.task_id,
        "verdict": vote.verdict,
        "inclination_deg": vote.inclination_deg,
        "created_at": vote.created_at,
        "undo_until": vote.undo_until,
        "replayed": vote.is_replayed,
    }


class TasksView(APIView):
    @extend_schema(
        operation_id="task_lease",
        request=serializers.TaskLeaseSerializer,
        responses={201: serializers.TaskSerializer, 200: serializers.TaskSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Lease a galaxy to judge; 200 gives back one of your leases that the browser lost."""
        asked = body_of(serializers.TaskLeaseSerializer, request)
        task, is_new = task_lease(volunteer=request.user, campaign=asked["campaign"], held=asked["held"])
        return Response(_task_body(task), status=201 if is_new else 200)


class TaskSkipView(APIView):
    @extend_schema(
        operation_id="task_skip",
        request=EmptySerializer,
        responses={200: serializers.SkippedSerializer, **ERRORS},
    )
    def post(self, request: Request, task_id: uuid.UUID) -> Response:
        """Give a galaxy back unjudged."""
        body_of(EmptySerializer, request)
        task_skip(volunteer=request.user, task_id=task_id)
        return Response({"id": task_id, "state": "skipped"})


class TaskRenewView(APIView):
    @extend_schema(
        operation_id="task_renew",
        request=EmptySerializer,
        responses={200: serializers.DueSerializer, **ERRORS},
    )
    def post(self, request: Request, task_id: uuid.UUID) -> Response:
        """Hold a galaxy longer while its page is open."""
        body_of(EmptySerializer, request)
        return Response({"due_at": task_renew(volunteer=request.user, task_id=task_id)})


class VotesView(APIView):
    @extend_schema(
        operation_id="vote_record",
        request=serializers.VoteRecordSerializer,
        responses={201: serializers.VoteSerializer, 200: serializers.VoteSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Send a judgement; sending the same key again answers the same vote with 200."""
        said = body_of(serializers.VoteRecordSerializer, request)
        vote = vote_record(
            volunteer=request.user,
            key=said["key"],
            task_id=said["task"],
            trace=said["trace"],
            verdict=said["verdict"],
            reasons=said["reasons"],
            comment=said["comment"],
        )
        transaction.on_commit(wake_consensus)
        return Response(_vote_body(vote), status=200 if vote.is_replayed else 201)


class VoteUndoView(APIView):
    @extend_schema(
        operation_id="vote_undo",
        request=EmptySerializer,
        responses={200: serializers.UndoSerializer, **ERRORS},
    )
    def post(self, request: Request, key: uuid.UUID) -> Response:
        """Take a vote back within five minutes; answers its task, leased again."""
        body_of(EmptySerializer, request)
        task = vote_undo(volunteer=request.user, key=key)
        transaction.on_commit(wake_consensus)
        return Response({"task": _task_body(task)})


class MeView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="me", responses={200: serializers.MeSerializer})
    def get(self, request: Request) -> Response:
        """Who you are here: your public number, role, counts and preferences. Sets the CSRF cookie."""
        refuse_unknown_query(request, ())
        get_token(request._request)
        return Response(_me_body(request.user))

    @extend_schema(
        operation_id="me_update",
        request=serializers.MeUpdateSerializer,
        responses={200: serializers.MeSerializer, **ERRORS},
    )
    def patch(self, request: Request) -> Response:
        """Change display preferences; those not named stay."""
        if not request.user.is_authenticated:
            self.permission_denied(request)
        said = body_of(serializers.MeUpdateSerializer, request)
        preferences_update(user=request.user, prefs=said["preferences"])
        return Response(_me_body(request.user))


def _me_body(user: Any) -> dict[str, Any]:
    if not user.is_authenticated:
        return {"volunteer": None, "role": None, "counts": {"votes": 0, "rejected": 0}, "preferences": {}}
    return {
        "volunteer": user.public_name,
        "role": user.role,
        "counts": selectors.vote_counts(user.pk),
        "preferences": user.preferences,
    }


class MyVotesView(APIView):
    @extend_schema(
        operation_id="my_votes",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("offset", int)],
        responses={200: serializers.OwnVotesSerializer, **ERRORS},
    )
    def get(self, request: Request) -> Response:
        """Your own votes, newest first."""
        refuse_unknown_query(request, ("limit", "offset"))
        paginator = Pagination()
        page: list[Any] = (
            paginator.paginate_queryset(selectors.votes_of(int(request.user.pk or 0)), request, view=self) or []
        )
        pictures = selectors.thumbnails([vote.target.galaxy_id for vote in page])
        return paginator.get_paginated_response(
            [_own_vote_body(vote, pictures.get(vote.target.galaxy_id)) for vote in page]
        )


def _own_vote_body(vote: Vote, thumbnail: str | None) -> dict[str, Any]:
    return {
        "key": vote.key,
        "campaign": vote.target.campaign.name,
        "label": str(vote.target.galaxy),
        "thumbnail": thumbnail,
        "standing": vote.standing,
        "verdict": vote.verdict,
        "inclination_deg": vote.inclination_deg,
        "reasons": vote.reasons,
        "comment": vote.comment,
        "created_at": vote.created_at,
        "can_undo": vote.can_undo,  # type: ignore[attr-defined]
    }


class CampaignsView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="campaigns", responses={200: serializers.CampaignSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """Campaigns that are open or pausing, with their progress."""
        refuse_unknown_query(request, ())
        return Response([_campaign_body(campaign) for campaign in selectors.campaign_summaries()])


class CampaignView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="campaign", responses={200: serializers.CampaignSerializer, 404: ErrorSerializer})
    def get(self, request: Request, name: str) -> Response:
        """One campaign."""
        refuse_unknown_query(request, ())
        return Response(_campaign_body(selectors.campaign_summary(name)))


def _campaign_body(campaign: selectors.CampaignSummary) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "title": campaign.title,
        "description": campaign.description,
        "state": campaign.state,
        "standard_set": {
            "id": campaign.standard_set_id,
            "name": campaign.standard_set_name,
            "version": campaign.standard_set_version,
        },
        "overlap": campaign.overlap,
        "galaxies": campaign.galaxies,
        "retired": campaign.retired,
        "votes": campaign.votes,
    }


class StatsView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="stats", responses={200: serializers.StatsSerializer})
    def get(self, request: Request) -> Response:
        """How many volunteers, galaxies and votes there are."""
        refuse_unknown_query(request, ())
        return Response(selectors.site_stats())
