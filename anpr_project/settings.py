"""All settings, read from the environment (docs/settings.md explains each)."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from anpr_project.console.appearance import UNFOLD  # noqa: F401 - a setting
from anpr_project.lib.api_defaults import API_DEFAULTS
from anpr_project.lib.api_documentation import API_DOCUMENTATION
from anpr_project.lib.env import Environment
from anpr_project.lib.logs import logging_config
from anpr_project.lib.object_storage import s3_storage
from anpr_project.lib.own_secrets import is_encryption_key, load_or_create

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR)

# What kind of installation this is -------------------------------------------------------------
DEBUG = env.flag("DEBUG", False)
DATA_DIR = Path(env.text("DATA_DIR", "var")).absolute()
UPLOAD_DIR = Path(env.text("UPLOAD_DIR") or DATA_DIR / "uploads").absolute()
MIN_FREE_MB = env.integer("MIN_FREE_MB", 200, 0, 10**9)
# Pictures in an S3-compatible object storage instead of UPLOAD_DIR.
S3_BUCKET = env.text("S3_BUCKET")
S3_ENDPOINT_URL = env.site("S3_ENDPOINT_URL")
POSTGRES_SERVER = env.host("POSTGRES_SERVER")
REDIS_HOST = env.host("REDIS_HOST")
HTTPS = env.flag("HTTPS", False)
API_DOCS = env.flag("API_DOCS", DEBUG)
ENABLE_METRICS = env.flag("ENABLE_METRICS", DEBUG)
REQUIRE_SEARCH_REASON = env.flag("REQUIRE_SEARCH_REASON", False)
RETENTION_DAYS = env.integer("RETENTION_DAYS", 90, 1, 36500)
PICTURE_RETENTION_DAYS = env.integer("PICTURE_RETENTION_DAYS", RETENTION_DAYS, 1, 36500)
# Read by the exporters' address check (CIDRs that may be reached although private).
EXPORT_ALLOW_NETWORKS = env.networks("EXPORT_ALLOW_NETWORKS")

# Secrets: an installation on SQLite makes its own; one on PostgreSQL has several machines or
# processes that must share them, so there they are demanded.
if POSTGRES_SERVER and not DEBUG:
    SECRET_KEY = env.required("SECRET_KEY", "it signs sessions and links")
else:
    SECRET_KEY = env.text("SECRET_KEY") or load_or_create(DATA_DIR)["SECRET_KEY"]
ENCRYPTION_KEYS = env.items("ENCRYPTION_KEYS") or [load_or_create(DATA_DIR)["ENCRYPTION_KEYS"]]
if not all(map(is_encryption_key, ENCRYPTION_KEYS)):
    raise ImproperlyConfigured(
        "ENCRYPTION_KEYS is wrong: expected Fernet keys (32 bytes, url-safe base64), comma-separated"
    )

# Where the processes listen (read by `run` and `serve`) ------------------------------------------
HOST = env.text("HOST") or "127.0.0.1"
PORT = env.integer("PORT", 8000, 1, 65535)
STREAM_PORT = env.integer("STREAM_PORT", min(PORT + 1, 65535), 1, 65535)
# Of `manage.py deliver`; 0: it listens nowhere.
METRICS_PORT = env.integer("METRICS_PORT", 0, 0, 65535)
# Where others reach us: the beginning of links in exported events.
_shown_host = {"0.0.0.0": "localhost", "::": "localhost"}.get(HOST, HOST)  # nosec B104  # noqa: S104 - compared
PUBLIC_URL = env.origin(
    "PUBLIC_URL", f"http://{f'[{_shown_host}]' if ':' in _shown_host else _shown_host}:{PORT}"
)
API_WORKERS = env.integer("API_WORKERS", os.cpu_count() or 1, 1, 256)
API_THREADS = env.integer("API_THREADS", 16 if POSTGRES_SERVER else 8, 1, 256)

# Who may talk to us ----------------------------------------------------------------------------
ALLOWED_HOSTS = [*env.host_names("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"]), HOST]
PROXY_NETWORKS = env.networks("PROXY_NETWORKS")
CORS_ORIGINS = CORS_ALLOWED_ORIGINS = env.origins("CORS_ORIGINS")
CORS_ALLOW_CREDENTIALS = bool(CORS_ORIGINS)
CORS_URLS_REGEX = r"^/api/"
CORS_EXPOSE_HEADERS = ["Idempotent-Replayed", "X-Request-ID", "Retry-After"]
CSRF_TRUSTED_ORIGINS = CORS_ORIGINS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(health|ready|liveness|metrics)$"]
# The shipped proxy strips this header from outside and sets it itself.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 8 * 3600
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Code ------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    # First: it gives runserver WebSockets. Else it would cost each process 30 MB.
    *(["daphne"] if "runserver" in sys.argv else []),
    "unfold",
    "unfold.contrib.filters",
    # It does not look for the admin modules: anpr_project.urls does, for the processes with pages.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "django_prometheus",
    "corsheaders",
    "rest_framework",
    "knox",
    "django_otp",
    "axes",
    "channels",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "audit",
    "zones",
    "models_cfg",
    "cameras",
    "sensors",
    "events",
    "evidence",
    "exporters",
    "privacy",
    "anpr_project",
]
MIDDLEWARE = [
    "anpr_project.lib.logs.RequestLogMiddleware",
    "anpr_project.lib.content_policy.AnswerHeadersMiddleware",
    *(["django_prometheus.middleware.PrometheusBeforeMiddleware"] if ENABLE_METRICS else []),
    "django.middleware.security.SecurityMiddleware",
    "anpr_project.program_requests.ProgramRequestsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "anpr_project.second_factor.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    *(["anpr_project.lib.request_metrics.RequestMetricsMiddleware"] if ENABLE_METRICS else []),
]
ROOT_URLCONF = "anpr_project.urls"
WSGI_APPLICATION = "anpr_project.wsgi.application"
ASGI_APPLICATION = "anpr_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Data ------------------------------------------------------------------------------------------
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES: dict[str, dict[str, Any]]
POSTGRES_PORT = env.integer("POSTGRES_PORT", 5432, 1, 65535)
DB_POOL_SIZE = env.integer("DB_POOL_SIZE", 10, 2, 1000)
if POSTGRES_SERVER:
    DATABASES = {
        "default": {
            "ENGINE": "anpr_project.lib.postgresql",
            "HOST": POSTGRES_SERVER,
            "PORT": POSTGRES_PORT,
            "USER": env.text("POSTGRES_USER", "anpr"),
            "PASSWORD": env.text("POSTGRES_PASSWORD"),
            "NAME": env.text("POSTGRES_DB", "anpr"),
            "OPTIONS": {
                "connect_timeout": 2,
                "options": "-c statement_timeout=15000",
                "pool": {"min_size": 1, "max_size": DB_POOL_SIZE, "timeout": 4},
            },
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "anpr.sqlite3",
            "OPTIONS": {
                # IMMEDIATE: a transaction that reads first and writes later would otherwise fail
                # with "database is locked". FULL: an acknowledged event survives a power cut.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
            # A file: in memory all connections share one cache and refuse each other without waiting.
            "TEST": {"NAME": str(DATA_DIR / "test.sqlite3")},
        }
    }

REDIS_PORT = env.integer("REDIS_PORT", 6379, 1, 65535)
REDIS_PASSWORD = env.text("REDIS_PASSWORD")
REDIS_DB = env.integer("REDIS_DB", 0, 0, 65535)
CHANNEL_LAYERS: dict[str, Any] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CACHES: dict[str, Any] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
REDIS: dict[str, Any] = {}
if REDIS_HOST:
    REDIS = {
        "host": REDIS_HOST,
        "port": REDIS_PORT,
        "db": REDIS_DB,
        "password": REDIS_PASSWORD or None,
        "socket_connect_timeout": 1,
        "socket_timeout": 2,
    }
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://",  # the rest of the address is in the options
            "KEY_PREFIX": "anpr",
            "OPTIONS": REDIS,
        }
    }
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [{k: v for k, v in REDIS.items() if k != "socket_timeout"}],
                "prefix": f"anpr{REDIS_DB}",
            },
        }
    }

# Identity --------------------------------------------------------------------------------------
SESSION_ENGINE = "anpr_project.lib.sessions"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: it refuses who has failed too often
    "anpr_project.lib.permissions_backend.PermissionsBackend",
]
REQUIRE_SECOND_FACTOR_FOR_STAFF = env.flag("REQUIRE_SECOND_FACTOR_FOR_STAFF", False)
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "anpr_project.lib.client_address.lock_out_address"
AXES_RESET_ON_SUCCESS = True
# A try while locked does not count, or one who keeps trying would keep the owner out for ever.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "next", "csrfmiddlewaretoken"]
AXES_CLIENT_STR_CALLABLE = "anpr_project.lib.client_address.described"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
# Its middleware would answer in our place; both doors ask by themselves, and ingest does not pay.
SILENCED_SYSTEM_CHECKS = ["axes.W002"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "live"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
REST_KNOX = {"TOKEN_TTL": timedelta(hours=24), "AUTH_HEADER_PREFIX": "Token"}

REST_FRAMEWORK = API_DEFAULTS
SPECTACULAR_SETTINGS = API_DOCUMENTATION

# Texts, files, logs ----------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
# A language is offered when ours is translated, not when only Django's own texts are.
LANGUAGES = [("en-gb", "English")]
FORMAT_MODULE_PATH = ["anpr_project.formats"]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = str(env.parsed("TIME_ZONE", ZoneInfo("UTC"), ZoneInfo, "a name like Europe/London"))
STATIC_URL = "/static/"
_static_root = BASE_DIR / "staticfiles"
# The image has its static files collected, compressed and hashed; a checkout serves them in place.
_collected = (_static_root / "staticfiles.json").is_file() or env.flag("COLLECT_STATIC", False)
STATIC_ROOT = _static_root if _collected else None
WHITENOISE_USE_FINDERS = not _collected
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _collected
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
if S3_BUCKET:
    STORAGES["pictures"] = s3_storage(
        bucket_name=S3_BUCKET,
        endpoint_url=S3_ENDPOINT_URL,
        region_name=env.text("S3_REGION"),
        access_key=env.text("S3_ACCESS_KEY_ID"),
        secret_key=env.text("S3_SECRET_ACCESS_KEY"),
    )
MAP_TILES_URL = env.tiles("MAP_TILES_URL")  # without tiles the map asks no other host
MAP_ATTRIBUTION = env.text("MAP_ATTRIBUTION")
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
LOGGING = logging_config(level=LOG_LEVEL, readable=DEBUG or os.isatty(2))
