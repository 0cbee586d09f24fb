"""Say of every few pages of runs which times and tokens lie in them, and vacuum often enough to say it of new ones."""

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0013_saved_views")]

    operations: ClassVar = [
        migrations.RemoveIndex(model_name="run", name="run_received"),
        migrations.AddIndex(
            model_name="run",
            index=BrinIndex(
                models.F("received_at"),
                models.F("started_at"),
                models.F("ended_at"),
                models.F("prompt_tokens"),
                models.F("completion_tokens"),
                models.F("cached_tokens"),
                models.F("reasoning_tokens"),
                models.F("started_at") - models.F("created_at"),
                name="run_ranges",
                pages_per_range=4,
            ),
        ),
        # Pages that no vacuum has seen since they were filled are read whatever is asked for.
        migrations.RunSQL(
            "ALTER TABLE run SET (autovacuum_vacuum_insert_scale_factor = 0.02)",
            "ALTER TABLE run RESET (autovacuum_vacuum_insert_scale_factor)",
        ),
    ]
