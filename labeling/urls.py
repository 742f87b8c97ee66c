from django.urls import path

from labeling import api

urlpatterns = [
    path("me/", api.MeView.as_view(), name="me-api"),
    path("me/campaign/", api.MyCampaignView.as_view(), name="my-campaign"),
    path("me/votes/", api.MyVotesView.as_view(), name="my-votes"),
    path("me/eye/", api.MyEyeView.as_view(), name="my-eye"),
    path("me/settled/", api.MySettledView.as_view(), name="my-settled"),
    path("me/practice/", api.MyPracticeView.as_view(), name="my-practice"),
    path("practice/", api.PracticeView.as_view(), name="practice"),
    path("practice/judge/", api.PracticeJudgeView.as_view(), name="practice-judge"),
    path("stats/", api.StatsView.as_view(), name="stats"),
    path("campaigns/", api.CampaignsView.as_view(), name="campaigns"),
    path("campaigns/<slug:name>/", api.CampaignView.as_view(), name="campaign"),
    path("tasks/", api.TasksView.as_view(), name="tasks"),
    path("tasks/release/", api.TasksReleaseView.as_view(), name="tasks-release"),
    path("tasks/<uuid:task_id>/skip/", api.TaskSkipView.as_view(), name="task-skip"),
    path("tasks/<uuid:task_id>/renew/", api.TaskRenewView.as_view(), name="task-renew"),
    path("votes/", api.VotesView.as_view(), name="votes"),
    path("votes/<uuid:key>/undo/", api.VoteUndoView.as_view(), name="vote-undo"),
]
