"""All settings of GIZ, read from the environment; docs/reference/settings.md and .env.example describe each one.

Secure by default: what loosens security must be asked for, and giz/core/checks.py refuses wrong combinations.
"""

from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from giz import env
from giz.core.postgres.base import WatchedConnection
from giz.core.staff_menu import UNFOLD  # noqa: F401 - a setting
from giz.core.vocabulary import COLOUR_FIRST, VERDICT_NAMES
from giz.embedded.layout import (
    default_broker_url,
    default_cache_url,
    embedded_owner_settings,
    embedded_postgres_settings,
)

BASE_DIR = env.BASE_DIR
GIZ_HOME = env.giz_home()

SECRET_KEY = env.text("SECRET_KEY")
DEBUG = env.boolean("DEBUG", default=False)
SITE_URL = env.site_address("SITE_URL", "http://localhost:8000")
_site = urlsplit(SITE_URL)
IS_HTTPS = _site.scheme == "https"
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
_site_host = f"[{_site.hostname}]" if ":" in str(_site.hostname) else str(_site.hostname)
if _site_host not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(_site_host)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [SITE_URL])
USE_X_FORWARDED_HOST = False
TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", 0, minimum=0, maximum=5)
if TRUSTED_PROXY_COUNT and IS_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sites",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_celery_beat",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "csp",
    "giz.core",
    "giz.embedded",
    "giz.accounts",
    "giz.catalog",
    "giz.texts",
    "standards",
    "labeling",
    "giz.training",
    "giz.inference",
    "giz.dashboard",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "giz.core.middleware.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "giz.core.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "giz.accounts.staff_site.StaffStepsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "giz.urls"
WSGI_APPLICATION = "giz.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ID = 1
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before allauth's own, which come earlier in INSTALLED_APPS.
        "DIRS": [BASE_DIR / "giz" / "accounts" / "templates"],
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

# --- data -----------------------------------------------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL")
DATABASE_OWNER: dict[str, Any] = {} if DATABASE_URL else embedded_owner_settings(GIZ_HOME)  # {}: one role does all
if DATABASE_OWNER_URL := env.text("DATABASE_OWNER_URL"):
    DATABASE_OWNER = env.database_from_url(DATABASE_OWNER_URL, name="DATABASE_OWNER_URL")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "giz.core.postgres",
        **(env.database_from_url(DATABASE_URL) if DATABASE_URL else embedded_postgres_settings(GIZ_HOME)),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "pool": {
                "min_size": 1,
                "max_size": env.integer("DATABASE_POOL_SIZE", 8, minimum=1, maximum=100),
                "timeout": 5,
                # After that the next request tries again at once: however long the server was down, voting continues
                # within seconds of its return.
                "reconnect_timeout": 2,
                "connection_class": WatchedConnection,
            },
            "connect_timeout": 3,
            "prepare_threshold": 5 if env.boolean("DATABASE_PREPARED_STATEMENTS", default=True) else None,
            "options": "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000",
        },
    }
}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "giz.core.cache.ForgivingRedisCache",
        "LOCATION": env.text("CACHE_URL", default_cache_url(GIZ_HOME)),
        "KEY_PREFIX": env.text("CACHE_KEY_PREFIX", "giz"),
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
MEDIA_ROOT = env.path("MEDIA_ROOT", GIZ_HOME / "media")
MEDIA_URL = "/media/"
S3_BUCKET = env.text("S3_BUCKET")
S3_ENDPOINT_URL = env.text("S3_ENDPOINT_URL")
S3_REGION = env.text("S3_REGION")
S3_PREFIX = env.text("S3_PREFIX").strip("/")
S3_ACCESS_KEY_ID = env.text("S3_ACCESS_KEY_ID")
S3_SECRET_ACCESS_KEY = env.text("S3_SECRET_ACCESS_KEY")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "giz.catalog.storage.FolderStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if S3_BUCKET:
    STORAGES["default"] = {
        "BACKEND": "giz.catalog.storage.bucket.BucketStorage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "location": S3_PREFIX,
            # Without these boto3 uses AWS_ variables, a profile or the machine's role.
            "endpoint_url": S3_ENDPOINT_URL or None,
            "region_name": S3_REGION or None,
            "access_key": S3_ACCESS_KEY_ID or None,
            "secret_key": S3_SECRET_ACCESS_KEY or None,
        },
    }
SURVEY_FOLDER = env.path("SURVEY_FOLDER", GIZ_HOME / "surveys")
# The size of the cache of survey answers (without frames made of them); the oldest are deleted beyond it.
SURVEY_CACHE_GB = env.integer("SURVEY_CACHE_GB", 20, minimum=1, maximum=1_000_000)
SURVEY_ORDER = env.words("SURVEY_ORDER", ["sdss", "panstarrs", "hips"])
SURVEY_URLS = env.words("SURVEY_URLS")
SURVEY_LOCAL_HOSTS = env.words("SURVEY_LOCAL_HOSTS")
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", GIZ_HOME / "static")
FRONTEND_DIST = env.path("FRONTEND_DIST", BASE_DIR / "frontend" / "dist")
WHITENOISE_ROOT = FRONTEND_DIST
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler", "giz.core.parsers.NamelessUpload"]

# --- Celery: the message only wakes a worker, the row of a job decides (giz/core/jobs.py) --------------------------
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", default_broker_url(GIZ_HOME))
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 86_400, "socket_timeout": 3, "socket_connect_timeout": 1}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
CELERY_TASK_DEFAULT_QUEUE = "default"
# Short tasks that voting waits for, and the housekeeping of beat: they have their own worker process, so that nothing
# else (pictures, imports, exports) can delay them.
VOTES_QUEUE = "votes"
CELERY_TASK_ROUTES = {
    "labeling.tasks.*": {"queue": VOTES_QUEUE},
    "giz.inference.tasks.*": {"queue": VOTES_QUEUE},
    "giz.core.tasks.wake_job": {"queue": "default"},
    "giz.core.tasks.*": {"queue": VOTES_QUEUE},
}
# Kinds of jobs with their own queue; and the queues of jobs that take hours, which have their own worker.
JOB_QUEUES = {"train": "training", "fetch_source": "predict", "predict": "predict", "order_queue": "predict"}
LONG_QUEUES = ("training",)
# How many bulk predictions workers do at once: they take hours and share the workers with other jobs.
PREDICT_JOBS_AT_ONCE = env.integer("PREDICT_JOBS_AT_ONCE", 1, minimum=1, maximum=64)
CELERY_BEAT_SCHEDULER = "giz.core.tasks:SteadyScheduler"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep jobs whose heartbeat stopped": {"task": "giz.core.tasks.sweep_jobs", "schedule": 30},
    "give back leases that ran out": {"task": "labeling.tasks.release_expired_leases", "schedule": 20},
    "refit volunteers": {"task": "labeling.tasks.refit_volunteers", "schedule": 600},
    "have the network order the queues": {"task": "giz.inference.tasks.order_queues", "schedule": 600},
    "refresh stale consensus": {"task": "labeling.tasks.refresh_stale_consensus", "schedule": 10},
    "forget pictures to predict": {"task": "giz.inference.tasks.sweep_sources", "schedule": 600},
    "forget predictions of visitors": {"task": "giz.inference.tasks.sweep_predictions", "schedule": 600},
    "delete exports that were offered for a day": {"task": "labeling.tasks.delete_old_exports", "schedule": 3600},
    "forget old jobs and sessions": {"task": "giz.core.tasks.tidy_up", "schedule": 3600},
}
CELERY_TIMEZONE = "UTC"

# --- accounts -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "giz.accounts.permissions.StaffRoleBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "giz.accounts.passwords.MaximumLength"},
    {"NAME": "giz.accounts.passwords.DifferentCharacters"},
    {"NAME": "giz.accounts.passwords.NotTheSitesWords"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[GIZ] "
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_ADAPTER = "giz.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "giz.accounts.forms.SignupForm",
    "reset_password": "giz.accounts.forms.ResetPasswordForm",
}
ACCOUNT_USER_DISPLAY = "giz.accounts.adapter.display_name"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_RATE_LIMITS = {  # a school of forty behind one address must get in; wrong passwords: giz/accounts/passwords.py
    "login": "300/m/ip",
    "login_failed": "10/5m/key",  # only codes of the second factor
    "signup": "60/m/ip,300/h/ip",
    "reset_password": "40/m/ip,4/h/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_TOTP_ISSUER = "GIZ"
MFA_ADAPTER = "giz.accounts.adapter.SecondFactorAdapter"
STAFF_SECOND_FACTOR = env.choice("STAFF_SECOND_FACTOR", "auto", ("auto", "required", "off"))
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 3600
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "giz.core.mail.FolderBackend")
# Where e-mail is really sent, an address must be confirmed: then sign-up does not reveal who has an account.
_SENDS_MAIL = EMAIL_BACKEND.endswith("smtp.EmailBackend")
ACCOUNT_EMAIL_VERIFICATION = env.text("EMAIL_VERIFICATION", "mandatory" if _SENDS_MAIL else "optional")
# The contact in security.txt: an address of the operator, or a page with one.
SECURITY_CONTACT = env.text("SECURITY_CONTACT", SITE_URL)
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("EMAIL_PORT", 25, minimum=1, maximum=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", default=False)
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "GIZ <noreply@localhost>")

# --- security -------------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "giz.core.views.csrf_failure"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        **{f"{kind}-src": [SELF] for kind in ("script", "style", "font", "connect", "manifest", "worker")},
        "img-src": [SELF, "data:", "blob:"],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
    }
}

# --- API ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "giz.accounts.authentication.TokenAuthentication",
        "giz.core.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["giz.core.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "giz.core.api.exception_handler",
    "DEFAULT_PAGINATION_CLASS": "giz.core.api.Pagination",
    "NUM_PROXIES": TRUSTED_PROXY_COUNT,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "GIZ, the Galaxy Inclination Zoo",
    "DESCRIPTION": "Label galaxies by comparison with standards, and read the labels.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "VerdictEnum": list(VERDICT_NAMES),
        "SaidEnum": list(VERDICT_NAMES.values()),
        "BandEnum": list(COLOUR_FIRST),
    },
}

# --- language, time, logs -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
FORMAT_MODULE_PATH = ["giz.core.formats"]
USE_TZ = True
LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "giz.core.logs.json_formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"django.server": {"handlers": ["stderr"], "level": LOG_LEVEL, "propagate": False}},
}
# W004: the e-mail is unique whatever its case, by a constraint on LOWER(email) that the check does not see.
SILENCED_SYSTEM_CHECKS: list[str] = ["auth.W004"]
