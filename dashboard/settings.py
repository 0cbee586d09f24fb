"""Django settings. Everything that a deployment may change comes from environment variables (see README)."""

from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from environs import Env, validate

from dashboard.server.backup.directory import parse_backup_directory
from dashboard.server.cookie_names import build_cookie_name
from dashboard.server.database import build_databases
from dashboard.server.log_config import build_logging
from dashboard.server.metrics_token import validate_metrics_token
from dashboard.server.secret_key import load_or_create_secret_key
from dashboard.server.site_url import parse_site_url
from dashboard.server.trusted_proxies import parse_trusted_proxies
from dashboard.web.oidc_client import check_password_login, parse_oidc_client
from runs.team.claim_rules import parse_claim_rules
from runs.transfer.forwarding.targets import parse_forward_targets

env = Env()

# In a checkout, templates and static files lie beside the packages; in a wheel, inside of this one (pyproject.toml).
PACKAGE_DIR = Path(__file__).resolve().parent
IS_INSTALLED = (PACKAGE_DIR / "assets").is_dir()
BASE_DIR = PACKAGE_DIR / "assets" if IS_INSTALLED else PACKAGE_DIR.parent
COMMAND_NAME = "runglass" if IS_INSTALLED else "uv run manage.py"
DEFAULT_DATA_DIR = "var" if IS_INSTALLED else BASE_DIR / "var"  # the former in the working directory
DATA_DIR = Path(env.str("RUNGLASS_DATA_DIR", "") or DEFAULT_DATA_DIR).expanduser().absolute()
DEBUG = env.bool("RUNGLASS_DEBUG", False)
SECRET_KEY = env.str("RUNGLASS_SECRET_KEY", "") or load_or_create_secret_key(DATA_DIR)
MAX_BODY_BYTES = env.int("RUNGLASS_MAX_BODY_MB", 32) * 1024 * 1024
MAX_OBJECT_BYTES = env.int("RUNGLASS_MAX_OBJECT_MB", 8, validate=validate.Range(1)) * 1024 * 1024
MAX_FIELD_BYTES = env.int("RUNGLASS_MAX_FIELD_MB", 4, validate=validate.Range(1)) * 1024 * 1024
MAX_OBJECT_VALUES = env.int("RUNGLASS_MAX_OBJECT_VALUES", 100_000, validate=validate.Range(100))
MAX_OBJECT_NAMES = env.int("RUNGLASS_MAX_OBJECT_NAMES", 2000, validate=validate.Range(100))
MAX_TOOLS = env.int("RUNGLASS_MAX_TOOLS", 1000, validate=validate.Range(1))
LOGGING = build_logging(env.str("RUNGLASS_LOG", "text", validate=validate.OneOf(["text", "json"])))
LOG_ALL_REQUESTS = env.str("RUNGLASS_ACCESS_LOG", "problems", validate=validate.OneOf(["problems", "all"])) == "all"
METRICS_TOKEN = env.str("RUNGLASS_METRICS_TOKEN", "", validate=validate_metrics_token)
WRITE_TIMEOUT_SECONDS = env.int("RUNGLASS_WRITE_TIMEOUT_SECONDS", 60, validate=validate.Range(1, 3600))
READ_TIMEOUT_SECONDS = env.int("RUNGLASS_READ_TIMEOUT_SECONDS", 20, validate=validate.Range(1, 600))

BACKUP_DIR = parse_backup_directory(env.str("RUNGLASS_BACKUP_DIR", ""))
BACKUP_EVERY = env.timedelta(  # without a directory, whoever makes backups otherwise sets it to be warned
    "RUNGLASS_BACKUP_EVERY",
    timedelta(hours=24) if BACKUP_DIR else None,
    validate=validate.Range(timedelta(minutes=10), timedelta(days=90)),
)
BACKUP_KEEP = env.int("RUNGLASS_BACKUP_KEEP", 7, validate=validate.Range(1, 10_000))

OTLP_FORWARD_TARGETS = parse_forward_targets(
    env.str("RUNGLASS_OTLP_FORWARD", ""), env.str("RUNGLASS_OTLP_FORWARD_HEADERS", "")
)

SITE_URL = parse_site_url(env.str("RUNGLASS_URL", ""))
SITE_PATH = SITE_URL.path if SITE_URL else "/"
FORCE_SCRIPT_NAME = SITE_URL.script_name or None if SITE_URL else None
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.list("RUNGLASS_ALLOWED_HOSTS", [*LOOPBACK_HOSTS, *([SITE_URL.host] if SITE_URL else [])])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("RUNGLASS_TRUSTED_ORIGINS", [SITE_URL.origin] if SITE_URL else [])
TRUSTED_PROXIES = parse_trusted_proxies(env.list("RUNGLASS_TRUSTED_PROXIES", []))
# Longer than proxies keep an idle connection (up to 600 s): a request into one that is being closed fails.
KEEP_ALIVE_SECONDS = env.int("RUNGLASS_KEEP_ALIVE_SECONDS", 620, validate=validate.Range(1, 86_400))

DATABASES = build_databases(env.str("DATABASE_URL", ""), DATA_DIR)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "runs",
    "dashboard",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "csp",
    "allauth.account",
    "allauth.socialaccount",
]

MIDDLEWARE = [
    "dashboard.web.request_record_middleware.RequestRecordMiddleware",  # outermost: logs and counts everything
    "dashboard.web.health_views.HealthCheckMiddleware",  # first, since others reject requests
    "dashboard.web.private_response_middleware.PrivateResponseMiddleware",
    "dashboard.web.compression_middleware.CompressionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "dashboard.web.malformed_request_middleware.MalformedRequestMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.web.database_outage_middleware.DatabaseOutageMiddleware",
    "dashboard.web.read_time_limit_middleware.ReadTimeLimitMiddleware",
    "dashboard.web.write_time_limit_middleware.WriteTimeLimitMiddleware",
    "dashboard.web.page_budget.PageBudgetMiddleware",
    "dashboard.web.timezone.ReaderTimezoneMiddleware",
]

ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
AUTH_USER_MODEL = "runs.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "runs.team.password_rules.PasswordLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "runs.team.password_rules.CommonPasswordVariantValidator"},
]
PASSWORD_HASHERS = ["runs.team.password_hashing.LowPriorityPasswordHasher"]
SESSION_ENGINE = "dashboard.web.sessions"
SESSION_LIFETIME_SECONDS = env.int("RUNGLASS_SESSION_DAYS", 14, validate=validate.Range(1, 365)) * 24 * 3600
SESSION_COOKIE_AGE = env.int("RUNGLASS_SESSION_IDLE_HOURS", 72, validate=validate.Range(1, 24 * 365)) * 3600
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
# django-allauth: the steps of signing in. Attempts are limited by runs.team.sign_in_limits.
ACCOUNT_ADAPTER = "dashboard.pages.account.account_adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*"]  # nobody signs up: administrators add people
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
SOCIALACCOUNT_ADAPTER = "dashboard.pages.account.oidc.social_adapter.SocialAccountAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True  # the state belongs to the session, and a form could not be redirected under the CSP
OIDC_CLIENT = parse_oidc_client(
    env.str("RUNGLASS_OIDC_ISSUER", ""),
    env.str("RUNGLASS_OIDC_CLIENT_ID", ""),
    env.str("RUNGLASS_OIDC_CLIENT_SECRET", ""),
    env.str("RUNGLASS_OIDC_NAME", ""),
)
OIDC_ROLE_RULES = parse_claim_rules(env.str("RUNGLASS_OIDC_ROLES", ""))
PASSWORD_LOGIN = check_password_login(env.bool("RUNGLASS_PASSWORD_LOGIN", True), OIDC_CLIENT)
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = f"{SITE_PATH}static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

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
                "dashboard.web.navigation.page_shell",
            ],
        },
    },
]

STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_ALLOW_ALL_ORIGINS = False  # no other site uses these files
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "dashboard.server.static_files.HashedStaticFilesStorage",
    },
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # the number of rows that can be selected in a list
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# No inline code and no external resources: templates contain no style="", no on…="" and no <script> without src.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    },
}
CSRF_FAILURE_VIEW = "dashboard.pages.account.csrf_failure_views.csrf_failure_view"

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "runs.api.errors.handle_api_error",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Runglass REST API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": FORCE_SCRIPT_NAME}] if FORCE_SCRIPT_NAME else [],
    "PREPROCESSING_HOOKS": ["runs.api.openapi.select_v1_endpoints"],
    "POSTPROCESSING_HOOKS": ["runs.api.openapi.complete_document"],
}

# If all trusted origins use TLS, cookies are never sent unencrypted.
HTTPS = bool(CSRF_TRUSTED_ORIGINS) and all(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS)
COOKIE_PATH = FORCE_SCRIPT_NAME or "/"
SESSION_COOKIE_NAME = build_cookie_name("session", SECRET_KEY, COOKIE_PATH, is_secure=HTTPS)
SESSION_COOKIE_PATH = COOKIE_PATH
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = build_cookie_name("csrf", SECRET_KEY, COOKIE_PATH, is_secure=HTTPS)
CSRF_COOKIE_PATH = COOKIE_PATH
CSRF_COOKIE_SECURE = HTTPS
DEVICE_COOKIE_NAME = build_cookie_name("device", SECRET_KEY, COOKIE_PATH, is_secure=HTTPS)
LAST_PROJECT_COOKIE_NAME = build_cookie_name("project", SECRET_KEY, COOKIE_PATH, is_secure=HTTPS)
CSRF_COOKIE_HTTPONLY = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

SETTING_VARIABLES = sorted(env.dump())  # the environment variables that were read above
