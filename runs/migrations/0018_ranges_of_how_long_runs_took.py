"""Say of every few pages of runs how long they took, too, which tells whether any ended before it was created."""

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0017_days_by_assistant")]

    operations: ClassVar = [
        migrations.RemoveIndex(model_name="run", name="run_ranges"),
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
                models.F("ended_at") - models.F("created_at"),
                name="run_ranges",
                pages_per_range=4,
            ),
        ),
        # What is known of expressions goes with their index, and nobody would gather it again for a while.
        migrations.RunSQL("ANALYZE run", migrations.RunSQL.noop),
    ]
