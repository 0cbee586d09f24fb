"""Index no run for being of the revision that nearly all are of."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0020_tags_know_when_runs_were_created")]

    operations: ClassVar = [
        migrations.RemoveIndex(model_name="run", name="run_revision"),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                models.F("revision"),
                condition=models.Q(("revision", "v2"), _negated=True),
                name="run_revision",
            ),
        ),
    ]
