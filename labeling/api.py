"""Views of the labelling API: each validates its input, calls one service or selector, and answers."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.middleware.csrf import get_token
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.accounts.authentication import ANY_SCOPE
from giz.accounts.services import preferences_update
from giz.core.answers import json_of, schema_of
from giz.core.api import EmptySerializer, ErrorSerializer, Pagination, body_of, refuse_unknown_query
from giz.core.requester import count_request, requester_of
from labeling import answers, outcomes, selectors, serializers
from labeling.selectors import CampaignAnswer
from labeling.services.leases import task_lease, task_renew, task_skip, tasks_release
from labeling.services.practice import round_begin, round_judge, round_keep
from labeling.services.votes import VoteAnswer, vote_record, vote_undo
from labeling.tasks import wake_consensus

SETTLED_SHOWN = 3
# Enough for a class behind one address; a network of addresses has twice as much.
ROUNDS_AN_HOUR, JUDGEMENTS_AN_HOUR = 120, 600
HOUR = 3600
ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 422), ErrorSerializer)


class TasksView(APIView):
    @extend_schema(
        operation_id="task_lease",
        request=serializers.TaskLeaseSerializer,
        responses={201: schema_of(answers.TaskAnswer), 200: schema_of(answers.TaskAnswer), **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Reserve a galaxy for you to judge (201), or return one that you hold but the browser has lost (200)."""
        asked = body_of(serializers.TaskLeaseSerializer, request)
        task, is_new = task_lease(volunteer=request.user, campaign=asked["campaign"], held=asked["held"])
        return Response(json_of(answers.TaskAnswer.of(task)), status=201 if is_new else 200)


class TaskSkipView(APIView):
    @extend_schema(
        operation_id="task_skip",
        request=EmptySerializer,
        responses={200: schema_of(answers.SkippedAnswer), **ERRORS},
    )
    def post(self, request: Request, task_id: uuid.UUID) -> Response:
        """Return a galaxy without judging it."""
        body_of(EmptySerializer, request)
        task_skip(volunteer=request.user, task_id=task_id)
        return Response(json_of(answers.SkippedAnswer(task_id, "skipped")))


class TaskRenewView(APIView):
    @extend_schema(
        operation_id="task_renew",
        request=EmptySerializer,
        responses={200: schema_of(answers.DueAnswer), **ERRORS},
    )
    def post(self, request: Request, task_id: uuid.UUID) -> Response:
        """Extend the reservation of a galaxy whose page is open; renew an expired one if the place is still free."""
        body_of(EmptySerializer, request)
        task = task_renew(volunteer=request.user, task_id=task_id)
        return Response(json_of(answers.DueAnswer(task.due_at, task.due_in_s)))


class TasksReleaseView(APIView):
    @extend_schema(
        operation_id="tasks_release",
        request=serializers.TasksReleaseSerializer,
        responses={200: schema_of(answers.TasksReleasedAnswer), **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Return galaxies because the page is being closed. They are the first that you are offered next time."""
        asked = body_of(serializers.TasksReleaseSerializer, request)
        released = tasks_release(volunteer=request.user, task_ids=asked["tasks"])
        return Response(json_of(answers.TasksReleasedAnswer(released)))


class VotesView(APIView):
    @extend_schema(
        operation_id="vote_record",
        request=serializers.VoteRecordSerializer,
        responses={201: schema_of(VoteAnswer), 200: schema_of(VoteAnswer), **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Record a judgement (201). Sending the same key again returns the vote that was recorded (200)."""
        said = body_of(serializers.VoteRecordSerializer, request)
        vote = vote_record(
            volunteer=request.user,
            key=said["key"],
            task_id=said["task"],
            trace=said["trace"],
            verdict=said["verdict"],
            reasons=said["reasons"],
            comment=said["comment"],
            shown_ms=said.get("shown_ms"),
        )
        transaction.on_commit(wake_consensus)
        return Response(json_of(vote), status=200 if vote.replayed else 201)


class VoteUndoView(APIView):
    @extend_schema(
        operation_id="vote_undo",
        request=EmptySerializer,
        responses={200: schema_of(answers.UndoAnswer), **ERRORS},
    )
    def post(self, request: Request, key: uuid.UUID) -> Response:
        """Withdraw a vote within five minutes. Returns its task, reserved for you again."""
        body_of(EmptySerializer, request)
        task = vote_undo(volunteer=request.user, key=key)
        transaction.on_commit(wake_consensus)
        return Response(json_of(answers.UndoAnswer(answers.TaskAnswer.of(task))))


class MeView(APIView):
    permission_classes = [AllowAny]
    token_scopes = {"GET": ANY_SCOPE}

    @extend_schema(operation_id="me", responses={200: schema_of(answers.MeAnswer)})
    def get(self, request: Request) -> Response:
        """Return your public number, role, counts and preferences. Sets the CSRF cookie."""
        refuse_unknown_query(request, ())
        get_token(request._request)
        return Response(json_of(answers.MeAnswer.of(request.user)))

    @extend_schema(
        operation_id="me_update",
        request=serializers.MeUpdateSerializer,
        responses={200: schema_of(answers.MeAnswer), **ERRORS},
    )
    def patch(self, request: Request) -> Response:
        """Change display preferences. Preferences that are not sent keep their values."""
        if not request.user.is_authenticated:
            self.permission_denied(request)
        said = body_of(serializers.MeUpdateSerializer, request)
        preferences_update(user=request.user, prefs=said["preferences"])
        return Response(json_of(answers.MeAnswer.of(request.user)))


class MyCampaignView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="my_campaign", responses={200: schema_of(answers.MyCampaignAnswer)})
    def get(self, request: Request) -> Response:
        """Return a campaign that has a galaxy for you now, or null; without a login, one for a newcomer."""
        refuse_unknown_query(request, ())
        campaign = selectors.campaign_with_work(request.user)
        named = answers.CampaignNameAnswer(campaign.name, campaign.title) if campaign else None
        return Response(json_of(answers.MyCampaignAnswer(named)))


class MyVotesView(APIView):
    @extend_schema(
        operation_id="my_votes",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("offset", int)],
        responses={200: schema_of(answers.OwnVotesAnswer), **ERRORS},
    )
    def get(self, request: Request) -> Response:
        """List your own votes, the newest first."""
        refuse_unknown_query(request, ("limit", "offset"))
        paginator = Pagination()
        votes = selectors.votes_of(int(request.user.pk or 0))
        page: list[Any] = paginator.paginate_queryset(votes, request, view=self) or []
        found = _own_votes(request.user.pk, page)
        links = paginator.get_next_link(), paginator.get_previous_link()
        return Response(json_of(answers.OwnVotesAnswer(paginator.count or 0, *links, found)))


class MySettledView(APIView):
    @extend_schema(operation_id="my_settled", responses={200: schema_of(answers.NewlySettledAnswer), **ERRORS})
    def get(self, request: Request) -> Response:
        """List your galaxies that were settled after the time in your preference `settled_seen`, the latest first."""
        refuse_unknown_query(request, ())
        as_of, count, ids = outcomes.newly_settled(request.user, limit=SETTLED_SHOWN)
        votes = {vote.pk: vote for vote in selectors.votes_of(int(request.user.pk or 0)).filter(pk__in=ids)}
        found = _own_votes(request.user.pk, [votes[pk] for pk in ids if pk in votes])
        return Response(json_of(answers.NewlySettledAnswer(as_of, count, found)))


class MyEyeView(APIView):
    @extend_schema(operation_id="my_eye", responses={200: schema_of(answers.MyEyeAnswer), **ERRORS})
    def get(self, request: Request) -> Response:
        """Compare your inclinations of settled galaxies with those of others: offset, scatter, trend, progress."""
        refuse_unknown_query(request, ())
        return Response(json_of(answers.MyEyeAnswer.of(outcomes.pairs_of(int(request.user.pk or 0)))))


def _own_votes(volunteer_id: int | None, votes: Sequence[Any]) -> list[answers.OwnVoteAnswer]:
    """Return the votes of `votes_of` with the pictures of their galaxies and what became of these."""
    pictures = selectors.thumbnails([vote.target.galaxy_id for vote in votes])
    found = outcomes.outcomes_for(volunteer_id or 0, [vote.target_id for vote in votes])
    first = outcomes.first_judgements([vote.pk for vote in votes])
    return [
        answers.OwnVoteAnswer.of(
            vote,
            thumbnail=pictures.get(vote.target.galaxy_id),
            outcome=found.get(vote.target_id),
            is_first=vote.pk in first,
        )
        for vote in votes
    ]


class MyPracticeView(APIView):
    @extend_schema(operation_id="my_practice", responses={200: schema_of(selectors.PracticeAnswer), **ERRORS})
    def get(self, request: Request) -> Response:
        """List the practice rounds that you saved. They have no weight in any label."""
        refuse_unknown_query(request, ())
        return Response(json_of(selectors.practice_of(int(request.user.pk or 0))))

    @extend_schema(
        operation_id="practice_keep",
        request=serializers.RoundKeepSerializer,
        responses={200: schema_of(selectors.PracticeAnswer), **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Save a finished practice round, including one begun without an account. Sending it again changes nothing."""
        asked = body_of(serializers.RoundKeepSerializer, request)
        count_request(requester_of(request, request.user), "practice-keep", ROUNDS_AN_HOUR, per_seconds=HOUR)
        round_keep(volunteer=request.user, token=asked["token"])
        return Response(json_of(selectors.practice_of(int(request.user.pk or 0))))


class PracticeView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="practice_begin",
        request=serializers.RoundBeginSerializer,
        responses={201: schema_of(answers.RoundAnswer), 429: ErrorSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Start a practice round of five synthetic galaxies, or of today's five. Nothing is stored."""
        asked = body_of(serializers.RoundBeginSerializer, request)
        count_request(requester_of(request, request.user), "practice", ROUNDS_AN_HOUR, per_seconds=HOUR)
        begun = round_begin(is_daily=asked["kind"] == "daily", after=asked["after"])
        return Response(json_of(answers.RoundAnswer.of(begun)), status=201)


class PracticeJudgeView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="practice_judge",
        request=serializers.PracticeJudgeSerializer,
        responses={200: schema_of(answers.JudgedAnswer), 429: ErrorSerializer, **ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Judge the next galaxy of a practice round. Returns its true inclination; nothing is stored."""
        said = body_of(serializers.PracticeJudgeSerializer, request)
        count_request(requester_of(request, request.user), "practice-judge", JUDGEMENTS_AN_HOUR, per_seconds=HOUR)
        after, judged = round_judge(**said)
        return Response(json_of(answers.JudgedAnswer.of(after, judged)))


class CampaignsView(APIView):
    permission_classes = [AllowAny]
    token_scopes = {"GET": ANY_SCOPE}

    @extend_schema(operation_id="campaigns", responses={200: schema_of(CampaignAnswer)(many=True)})
    def get(self, request: Request) -> Response:
        """List the campaigns that are open or paused, with their progress."""
        refuse_unknown_query(request, ())
        return Response(json_of(selectors.campaign_summaries()))


class CampaignView(APIView):
    permission_classes = [AllowAny]
    token_scopes = {"GET": ANY_SCOPE}

    @extend_schema(operation_id="campaign", responses={200: schema_of(CampaignAnswer), 404: ErrorSerializer})
    def get(self, request: Request, name: str) -> Response:
        """Return one campaign."""
        refuse_unknown_query(request, ())
        return Response(json_of(selectors.campaign_summary(name)))


class StatsView(APIView):
    permission_classes = [AllowAny]
    token_scopes = {"GET": ANY_SCOPE}

    @extend_schema(operation_id="stats", responses={200: schema_of(answers.StatsAnswer)})
    def get(self, request: Request) -> Response:
        """Return the numbers of volunteers, galaxies and votes."""
        refuse_unknown_query(request, ())
        return Response(json_of(answers.StatsAnswer(**selectors.site_stats())))
