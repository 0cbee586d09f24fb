"""The site, and beside it the plain baseline, in one process: what is compared runs under equal conditions."""

from dashboard.settings import *  # noqa: F403
from dashboard.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.benchmarks.plain"]
ROOT_URLCONF = "tests.benchmarks.urls"
