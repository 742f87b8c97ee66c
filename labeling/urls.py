from django.urls import path

from labeling import api, export_api

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
    path("campaigns/<slug:name>/exports/labels/", export_api.LabelsExportsView.as_view(), name="labels-exports"),
    path(
        "campaigns/<slug:name>/exports/labels/<uuid:export_id>/",
        export_api.LabelsExportView.as_view(),
        name="labels-export",
    ),
    path(
        "campaigns/<slug:name>/exports/labels/<uuid:export_id>/file/",
        export_api.LabelsExportFileView.as_view(),
        name="labels-export-file",
    ),
    path("campaigns/<slug:name>/exports/votes/", export_api.VotesExportsView.as_view(), name="votes-exports"),
    path(
        "campaigns/<slug:name>/exports/votes/<uuid:export_id>/",
        export_api.VotesExportView.as_view(),
        name="votes-export",
    ),
    path(
        "campaigns/<slug:name>/exports/votes/<uuid:export_id>/file/",
        export_api.VotesExportFileView.as_view(),
        name="votes-export-file",
    ),
    path("tasks/", api.TasksView.as_view(), name="tasks"),
    path("tasks/release/", api.TasksReleaseView.as_view(), name="tasks-release"),
    path("tasks/<uuid:task_id>/skip/", api.TaskSkipView.as_view(), name="task-skip"),
    path("tasks/<uuid:task_id>/renew/", api.TaskRenewView.as_view(), name="task-renew"),
    path("votes/", api.VotesView.as_view(), name="votes"),
    path("votes/<uuid:key>/undo/", api.VoteUndoView.as_view(), name="vote-undo"),
]
