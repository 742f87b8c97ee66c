from django.urls import path

from labeling import api

urlpatterns = [
    path("me/", api.MeView.as_view(), name="me-api"),
    path("me/votes/", api.MyVotesView.as_view(), name="my-votes"),
    path("stats/", api.StatsView.as_view(), name="stats"),
    path("campaigns/", api.CampaignsView.as_view(), name="campaigns"),
    path("campaigns/<slug:name>/", api.CampaignView.as_view(), name="campaign"),
    path("tasks/", api.TasksView.as_view(), name="tasks"),
    path("tasks/<uuid:task_id>/skip/", api.TaskSkipView.as_view(), name="task-skip"),
    path("tasks/<uuid:task_id>/renew/", api.TaskRenewView.as_view(), name="task-renew"),
    path("votes/", api.VotesView.as_view(), name="votes"),
    path("votes/<uuid:key>/undo/", api.VoteUndoView.as_view(), name="vote-undo"),
]
