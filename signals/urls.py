"""`/api/v1`: markets and signals."""

from django.urls import path

from signals import export_views, views

app_name = "signals"

urlpatterns = [
    path("status", views.status, name="status"),
    path("markets", views.markets, name="markets"),
    path("markets/<str:symbol>/candles", views.candles, name="candles"),
    path("markets/<str:symbol>/factors", views.factors, name="factors"),
    path("markets/<str:symbol>/gates", views.gates, name="gates"),
    path("markets/<str:symbol>/heatmap", views.heatmap, name="heatmap"),
    path("markets/<str:symbol>/book", views.book, name="book"),
    path("markets/<str:symbol>/funding", views.funding, name="funding"),
    path("markets/<str:symbol>/correlation", views.correlation, name="correlation"),
    path("markets/<str:symbol>/analogs", views.analogs, name="analogs"),
    path(
        "markets/<str:symbol>/factors/<str:name>/history",
        views.factor_history,
        name="factor-history",
    ),
    path("signals", views.signal_list, name="signal-list"),
    path("signals/export", export_views.signal_export, name="signal-export"),
    path("signals/<uuid:signal_id>", views.signal_detail, name="signal-detail"),
    path("signals/<uuid:signal_id>/recompute", views.signal_recompute, name="signal-recompute"),
    path("chain", views.chain, name="chain"),
    path("track-record", views.track_record, name="track-record"),
]
