"""Reword the sentence of the error groups of runs that expired without pending calls.

Safe beside older code: ids of groups stay the same, and ingest never compares or changes the texts of stored groups.
"""

from typing import Any

from django.db import migrations

FORMER = "Not done before it expired."
CURRENT = "Expired before finishing."


def reword(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001 - the signature is Django's
    """Replace the former sentence in stored groups, of which there is one per project."""
    groups = apps.get_model("runs", "ErrorGroup").objects.filter(status="expired")
    groups.filter(template=FORMER).update(template=CURRENT)


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0029_retention_policy"),
    ]

    operations = [
        migrations.RunPython(reword, migrations.RunPython.noop, elidable=True),
    ]
