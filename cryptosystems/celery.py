"""The Celery application: queues default, mail, notify, training, stream and trading, JSON only.

A worker of the queue `stream` hosts the engine, one of `trading` the executor (worker steps).
"""

import os

from celery import Celery

from signals.engine.worker_step import EngineStep
from trading.executor.worker_step import ExecutorStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")

app = Celery("cryptosystems")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(EngineStep)
app.steps["worker"].add(ExecutorStep)
