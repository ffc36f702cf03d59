"""`/api/v1/…` of the trading room."""

from django.urls import path

from trading import key_views, views

app_name = "trading"

urlpatterns = [
    path("api-keys", key_views.key_list, name="key-list"),
    path("api-keys/<uuid:account_id>", key_views.key, name="key"),
    path("bot", views.bot_list, name="bot-list"),
    path("bot/<uuid:account_id>", views.bot, name="bot"),
    path("bot/<uuid:account_id>/mode", views.bot_mode, name="bot-mode"),
    path("bot/<uuid:account_id>/automation", views.bot_automation, name="bot-automation"),
    path("bot/<uuid:account_id>/flatten", views.bot_flatten, name="bot-flatten"),
    path("positions", views.position_list, name="position-list"),
    path("executions", views.execution_list, name="execution-list"),
    path("executions/export", views.execution_export, name="execution-export"),
    path("trades/<uuid:trade_id>", views.trade, name="trade"),
    path("trades/<uuid:trade_id>/close", views.trade_close, name="trade-close"),
    path("trades/<uuid:trade_id>/approve", views.trade_approve, name="trade-approve"),
    path("trades/<uuid:trade_id>/decline", views.trade_decline, name="trade-decline"),
    path("signals/<uuid:signal_id>/follow", views.follow, name="follow"),
]
