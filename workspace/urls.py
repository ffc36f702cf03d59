"""`/api/v1/workspace…`."""

from django.urls import path

from workspace import views

app_name = "workspace"

urlpatterns = [
    path("workspace", views.workspace, name="workspace"),
    path("workspace/drawings/<str:symbol>", views.drawings, name="drawings"),
    path("workspace/layouts", views.layout_list, name="layout-list"),
    path("workspace/layouts/<uuid:layout_id>", views.layout, name="layout"),
    path("workspace/shared-layouts/<str:token>", views.shared_layout, name="shared-layout"),
    path("workspace/watch-lists", views.watch_lists, name="watch-lists"),
    path("workspace/alerts", views.alert_list, name="alert-list"),
    path("workspace/alerts/seen", views.alerts_seen, name="alerts-seen"),
    path("workspace/alerts/<uuid:alert_id>", views.alert, name="alert"),
]
