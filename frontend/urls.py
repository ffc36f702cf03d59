"""Pages."""

from django.urls import path

from frontend.pages import (
    account_data,
    account_settings,
    dashboard,
    marketing,
    operations,
    security,
)

app_name = "frontend"

urlpatterns = [
    path("", marketing.landing, name="landing"),
    path("ai-trading/dashboard", dashboard.dashboard, name="dashboard"),
    path("account/security", security.security, name="security"),
    path("account/security/sessions/end", security.end_sessions, name="end-sessions"),
    path(
        "account/security/sessions/<int:session_id>/end", security.end_session, name="end-session"
    ),
    path("account/settings", account_settings.settings, name="settings"),
    path("account/data", account_data.data, name="data"),
    path("account/data/export", account_data.export, name="data-export"),
    path("account/data/delete", account_data.delete, name="data-delete"),
    path("account/data/keep", account_data.keep, name="data-keep"),
    path("status", operations.status, name="status"),
]
