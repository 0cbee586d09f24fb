"""Keep which values the metadata of runs have, and fill in those of the runs that are there."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

# As `runs.ingest.metadata_values` notes them: at most 200 keys of a project, 10,000 values of each and 100 of these with their
# hours, nothing longer than 200 characters, and none of a key that has more or other values.
FILL = """
    CREATE TEMPORARY TABLE found ON COMMIT DROP AS
        SELECT project_id, key, value #>> '{}' AS value, bool_and(
                   CASE jsonb_typeof(value) WHEN 'string' THEN length(value #>> '{}') <= 200 WHEN 'boolean' THEN true
                        WHEN 'null' THEN true ELSE false END) AS is_plain,
               date_trunc('hour', max(created_at), 'UTC') AS last_hour
          FROM run, jsonb_each(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END) AS pair (key, value)
         GROUP BY 1, 2, 3;
    INSERT INTO metadata_key (project_id, key, is_complete)
        SELECT project_id, key, is_complete
          FROM (SELECT project_id, key, bool_and(is_plain) AND count(value) <= 10000 AS is_complete,
                       row_number() OVER (PARTITION BY project_id ORDER BY count(value), key) AS place
                  FROM found WHERE length(key) <= 200 GROUP BY 1, 2) AS each
         WHERE place <= 200;
    INSERT INTO metadata_value (project_id, key, value, last_hour)
        SELECT project_id, key, value,
               CASE WHEN count(*) OVER (PARTITION BY project_id, key) > 100 THEN '9999-12-31T00:00:00Z' ELSE last_hour END
          FROM found JOIN metadata_key USING (project_id, key) WHERE is_complete AND value IS NOT NULL;
    ANALYZE metadata_key, metadata_value;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0018_ranges_of_how_long_runs_took")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="MetadataKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.TextField()),
                ("is_complete", models.BooleanField(default=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="runs.project",
                    ),
                ),
            ],
            options={"db_table": "metadata_key"},
        ),
        migrations.CreateModel(
            name="MetadataValue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project", "key", "value", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.TextField()),
                ("value", models.TextField()),
                ("last_hour", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="runs.project",
                    ),
                ),
            ],
            options={"db_table": "metadata_value"},
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
