"""Settings of the benchmarked site, with the table of the plain baseline in its database."""

from dashboard.settings import *  # noqa: F403
from dashboard.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.benchmarks.plain"]
