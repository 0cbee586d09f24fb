"""Set the storage parameters of tables that Django's models cannot express."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """Vacuum runs soon after they are inserted."""

    dependencies: ClassVar = [("runs", "0001_initial")]

    operations: ClassVar = [
        # The BRIN index `run_ranges` summarises a page range only after a vacuum; until then every query reads it.
        migrations.RunSQL(
            "ALTER TABLE run SET (autovacuum_vacuum_insert_scale_factor = 0.02)",
            "ALTER TABLE run RESET (autovacuum_vacuum_insert_scale_factor)",
        ),
    ]
