"""The Celery application: queues default, mail, notify, training and stream, JSON only.

A worker of the queue `stream` hosts the engine (a worker step).
"""

import os

from celery import Celery

from signals.engine.worker_step import EngineStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")

app = Celery("cryptosystems")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(EngineStep)
