"""All settings, grouped by room. The environment is read and checked in `env`."""

from pathlib import Path
from typing import Any

import dj_database_url
import dj_email_url
from celery.schedules import crontab
from csp.constants import NONE, SELF

from cryptosystems.console import look
from cryptosystems.settings import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
ENV = env.read()

# --- platform -------------------------------------------------------------------------------
DEBUG = False
SECRET_KEY: str = ENV["SECRET_KEY"]
ALLOWED_HOSTS = list(ENV["ALLOWED_HOSTS"])
CSRF_TRUSTED_ORIGINS = list(ENV["TRUSTED_ORIGINS"])
STORAGE_DIR = env.storage_path(ENV, BASE_DIR)
MODEL_DIR = Path(ENV["MODEL_DIR"]) if ENV["MODEL_DIR"] else STORAGE_DIR / "models"

INSTALLED_APPS = [
    # Ours come first where they replace templates of others.
    "frontend",
    "unfold.apps.BasicAppConfig",
    "cryptosystems.console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "cryptosystems",
    "cryptosystems.platform",
    "accounts",
    "billing",
    "blog",
    "workspace",
    "learning",
    "signals",
    "trading",
    # Last: it looks at what all others registered.
    "cryptosystems.console.apps.ConsoleConfig",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "cryptosystems.platform.middleware.RequestId",
    "cryptosystems.platform.middleware.ApiProblems",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    # Among those that see every answer, a refused host's too.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cryptosystems.platform.middleware.PrivacyHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.ForgetAtSignOut",
    "accounts.middleware.SessionLife",
    "accounts.middleware.ProfileLanguage",
    "allauth.account.middleware.AccountMiddleware",
    "cryptosystems.console.impersonation.Impersonation",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "cryptosystems.urls"
ASGI_APPLICATION = "cryptosystems.asgi.application"
WSGI_APPLICATION = "cryptosystems.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "frontend.shell.shell",
                "cryptosystems.console.impersonation.banner",
            ],
        },
    }
]

# WAL lets readers go on while one writes; IMMEDIATE takes the write lock at the start, so
# that a transaction never fails half-way by a lock upgrade.
SQLITE_OPTIONS: dict[str, Any] = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA cache_size=-16000",
}
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        ENV["DATABASE_URL"] or f"sqlite:///{STORAGE_DIR / 'cryptosystems.sqlite3'}",
        conn_max_age=60,
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = ENV["REDIS_URL"]
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
    }
}
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "cs"},
    }
}

CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "signals.tasks.train_model": {"queue": "training"},
    "cryptosystems.platform.tasks.*": {"queue": "mail"},
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A page does not wait for a broker that is away: rows hold what must be done, sweepers find it.
CELERY_BROKER_CONNECTION_TIMEOUT = 2.0
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2.0, "socket_timeout": 30.0}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "mail": {
        "task": "cryptosystems.platform.tasks.sweep_mail",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "prune": {"task": "signals.tasks.prune", "schedule": 3600.0, "options": {"expires": 3000}},
    "billing-events": {
        "task": "billing.tasks.sweep_events",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "billing-trials": {
        "task": "billing.tasks.sweep_trials",
        "schedule": 300.0,
        "options": {"expires": 290},
    },
    "billing-reconcile-changed": {
        "task": "billing.tasks.reconcile_changed",
        "schedule": 3600.0,
        "options": {"expires": 3000},
    },
    "billing-reconcile-all": {
        "task": "billing.tasks.reconcile_all",
        "schedule": crontab(hour=3, minute=17),
        "options": {"expires": 3600},
    },
    "billing-close-accounts": {
        "task": "billing.tasks.close_accounts",
        "schedule": 3600.0,
        "options": {"expires": 3000},
    },
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = STORAGE_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "frontend.storage.HashedStaticFilesStorage"},
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
    },
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
FILE_UPLOAD_HANDLERS = ["cryptosystems.platform.uploads.NoUploads"]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Pages offer the service worker (`frontend/static/frontend/js/worker.js`).
SERVICE_WORKER = True
SITE_URL: str = ENV["SITE_URL"].rstrip("/")
TRUSTED_PROXIES: int = ENV["TRUSTED_PROXIES"]
KEY_ENCRYPTION_KEYS: tuple[tuple[str, bytes], ...] = ENV["KEY_ENCRYPTION_KEYS"]
# Mail is a row first; a worker hands it to the backend below.
EMAIL_BACKEND = "cryptosystems.platform.mail.OutboxBackend"
_mail: dict[str, Any] = dj_email_url.parse(ENV["EMAIL_URL"] or f"file://{STORAGE_DIR / 'mail'}")
DELIVERY_EMAIL_BACKEND: str = _mail["EMAIL_BACKEND"]
EMAIL_FILE_PATH = f"/{_mail['EMAIL_FILE_PATH']}"  # the parser takes the first slash off
EMAIL_HOST: str = _mail["EMAIL_HOST"]
EMAIL_PORT: int = _mail["EMAIL_PORT"]
EMAIL_HOST_USER: str = _mail["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD: str = _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS: bool = _mail["EMAIL_USE_TLS"]
EMAIL_USE_SSL: bool = _mail["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL: str = ENV["EMAIL_FROM"]
METRICS_TOKEN: str = ENV["METRICS_TOKEN"]
LOG_LEVEL: str = ENV["LOG_LEVEL"]
RELEASE: str = ENV["RELEASE"]
EXECUTOR_TEST_HOOKS: bool = ENV["EXECUTOR_TEST_HOOKS"]
LOGGING_CONFIG = "cryptosystems.platform.logging.configure"
LOGGING: dict[str, Any] = {"level": LOG_LEVEL}

# --- accounts -------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "accounts.passwords.NotTooLong"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.NotSiteWords"},
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/ai-trading/dashboard"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 3600
# Seven days without a visit; accounts.middleware ends it after thirty in any case.
SESSION_COOKIE_AGE = 7 * 24 * 3600
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.SignupForm",
    "login": "accounts.forms.LoginForm",
    "add_email": "accounts.forms.AddEmailForm",
    "change_email": "accounts.forms.ChangeEmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "confirm_email_verification_code": "accounts.forms.ConfirmCodeForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = 3
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # the others end, the one that changed it stays
ACCOUNT_RATE_LIMITS = {
    "login": "10/m/ip",
    "login_failed": "10/m/ip,5/300s/key",
    "signup": "10/h/ip",
    "reset_password": "5/h/ip,5/h/key",
    "reset_password_from_key": "10/m/ip",
    "reauthenticate": "5/m/user",
    "change_password": "5/m/user",
    "manage_email": "5/m/user",
    "confirm_email": "1/10s/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.SecondStepForm",
    "reauthenticate": "accounts.forms.SecondStepAgainForm",
    "activate_totp": "accounts.forms.ActivateTotpForm",
    "add_webauthn": "accounts.forms.AddPasskeyForm",
    "authenticate_webauthn": "accounts.forms.PasskeyForm",
    "login_webauthn": "accounts.forms.PasskeySignInForm",
    "reauthenticate_webauthn": "accounts.forms.PasskeyAgainForm",
    "edit_webauthn": "accounts.forms.EditPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "CryptoSystems"
# accounts.middleware notes visits now and then; allauth would write at every request.
USERSESSIONS_TRACK_ACTIVITY = False
CELERY_BEAT_SCHEDULE["clear-sessions"] = {
    "task": "accounts.tasks.clear_sessions",
    "schedule": 6 * 3600.0,
    "options": {"expires": 3600},
}
RISK_NOTICE_VERSION = "2026-11-25"
TERMS_VERSION = "2026-11-25"

# --- billing --------------------------------------------------------------------------------
STRIPE_SECRET_KEY: str = ENV["STRIPE_SECRET_KEY"]
STRIPE_WEBHOOK_SECRETS: tuple[str, ...] = ENV["STRIPE_WEBHOOK_SECRET"]
STRIPE_PRICE_ID: str = ENV["STRIPE_PRICE_ID"]
STRIPE_API_BASE: str = ENV["STRIPE_API_BASE"]
STRIPE_TAX: bool = ENV["STRIPE_TAX"]

# --- signals --------------------------------------------------------------------------------
MARKET: str = ENV["MARKET"]
MARKET_REST_URL: str = ENV["MARKET_REST_URL"]
MARKET_WS_URL: str = ENV["MARKET_WS_URL"]
MARKET_SPEED: float = ENV["MARKET_SPEED"]
SYMBOLS: tuple[str, ...] | int = ENV["SYMBOLS"]
DEEP_SYMBOLS: int = ENV["DEEP_SYMBOLS"]
HISTORY_DAYS: int = ENV["HISTORY_DAYS"]
HISTORY_TIMEFRAME: str = ENV["HISTORY_TIMEFRAME"]
ENGINE_SHARD: str = ENV["ENGINE_SHARD"]

SOCKETS_PER_ADDRESS: int = ENV["SOCKETS_PER_ADDRESS"]

# --- trading --------------------------------------------------------------------------------
PAPER_WALLET = "10000"
"""USDT a paper account begins with."""
VAULT_PUBLIC_KEY: tuple[str, bytes] | None = ENV["VAULT_PUBLIC_KEY"]
VAULT_PRIVATE_KEYS: tuple[tuple[str, bytes], ...] = ENV["VAULT_PRIVATE_KEYS"]
IS_EXECUTOR: bool = ENV["EXECUTOR"]
EGRESS_ADDRESSES: tuple[str, ...] = ENV["EGRESS_ADDRESSES"]

# --- API ------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["cryptosystems.platform.scopes.Declared"],
    "DEFAULT_THROTTLE_CLASSES": ["cryptosystems.platform.throttles.CallerRate"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["cryptosystems.platform.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "cryptosystems.platform.openapi.Schema",
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "cryptosystems.platform.http.problem_details",
}
API_GATE = "billing.gate.require_api"
API_RATES = {"token": 120, "user": 600, "visitor": 300, "refused": 60}
"""Requests a minute, by who asks; `refused` counts tokens that were not valid, by address."""
EXPORTS_AN_HOUR = 10
"""Files of signals a person may take, by browser and tokens together."""
SPECTACULAR_SETTINGS = {
    "TITLE": "CryptoSystems API",
    "DESCRIPTION": "Signals and market analysis. Every figure says where it comes from.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["cryptosystems.platform.scopes.Declared"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "cryptosystems.platform.openapi.add_components",
        "signals.shapes.add_components",
        "accounts.shapes.add_components",
        "billing.shapes.add_components",
        "workspace.shapes.add_components",
        "trading.shapes.add_components",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- staff console --------------------------------------------------------------------------
UNFOLD: dict[str, Any] = look.UNFOLD
CONSOLE_NETWORKS: tuple[Any, ...] = ENV["CONSOLE_NETWORKS"]
