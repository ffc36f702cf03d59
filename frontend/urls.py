"""Pages."""

from django.urls import path

from frontend.pages import (
    account,
    account_data,
    account_settings,
    billing,
    bot,
    dashboard,
    following,
    keys,
    marketing,
    operations,
    orders,
    plans,
    record,
    security,
    tokens,
)

app_name = "frontend"

urlpatterns = [
    path("", marketing.landing, name="landing"),
    path("ai-trading/dashboard", dashboard.dashboard, name="dashboard"),
    path("ai-trading/plans-pricing", plans.plans, name="plans"),
    path("ai-trading/track-record", record.track_record, name="record"),
    path(
        "ai-trading/track-record/<slug:origin>/<slug:month>.zip", record.month, name="record-month"
    ),
    path("ai-trading/signals/<uuid:signal_id>", record.signal, name="signal"),
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
    path("terms", marketing.terms, name="terms"),
    path("risk", marketing.risk, name="risk"),
    path("account/", account.start, name="account"),
    path("account/api-keys", keys.keys, name="api-keys"),
    path("account/api-keys/<uuid:account_id>", keys.key, name="api-key"),
    path("account/api-keys/<uuid:account_id>/finish", keys.finish, name="api-key-finish"),
    path("account/api-keys/<uuid:account_id>/test", keys.test, name="api-key-test"),
    path("account/api-keys/<uuid:account_id>/revoke", keys.revoke, name="api-key-revoke"),
    path("account/api-keys/<uuid:account_id>/state", keys.state, name="api-key-state"),
    path("account/billing", billing.billing_page, name="billing"),
    path("account/billing/subscribe", billing.subscribe, name="subscribe"),
    path("account/billing/portal", billing.portal, name="billing-portal"),
    path("account/billing/cancel", billing.cancel, name="billing-cancel"),
    path("account/billing/keep", billing.keep, name="billing-keep"),
    path("account/billing/done", billing.done, name="billing-done"),
    path("account/billing/done/state", billing.done_state, name="billing-done-state"),
    path("account/bot", bot.bot, name="bot"),
    path("account/bot/reset-paper", bot.reset_paper, name="paper-reset"),
    path("account/bot/<uuid:account_id>", bot.bot_of, name="bot-of"),
    path("account/bot/<uuid:account_id>/limits", bot.limits, name="bot-limits"),
    path("account/bot/<uuid:account_id>/preview", bot.preview, name="bot-preview"),
    path("account/bot/<uuid:account_id>/mode", bot.mode, name="bot-mode"),
    path("account/bot/<uuid:account_id>/automatic", bot.automatic, name="bot-automatic"),
    path("account/bot/<uuid:account_id>/resume", bot.resume, name="bot-resume"),
    path("account/bot/<uuid:account_id>/flatten", bot.flatten, name="bot-flatten"),
    path("account/orders", orders.orders, name="orders"),
    path("account/orders/<uuid:trade_id>", orders.trade, name="trade"),
    path("account/orders/<uuid:trade_id>/close", orders.close, name="trade-close"),
    path("account/orders/<uuid:trade_id>/approve", orders.approve, name="trade-approve"),
    path("account/orders/<uuid:trade_id>/decline", orders.decline, name="trade-decline"),
    path("account/follow/<uuid:signal_id>", following.follow, name="follow"),
    path("account/followed", following.followed, name="followed"),
    path("account/api-tokens", tokens.tokens, name="api-tokens"),
    path("account/api-tokens/<uuid:token_id>/revoke", tokens.revoke, name="revoke-token"),
]
