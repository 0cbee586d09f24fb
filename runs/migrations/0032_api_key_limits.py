"""Add descriptions, queries and last addresses of API keys, and the limit of requests.

Changing the new table to an unlogged one is safe beside older code, which does not know it. Older code does not know
the queries of keys either: create keys with a query when all processes are of this version.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0031_run_reviews"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestCount",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="runs.project",
                    ),
                ),
                ("minute", models.DateTimeField()),
                ("requests", models.IntegerField()),
            ],
            options={
                "db_table": "request_count",
            },
        ),
        migrations.RunSQL("ALTER TABLE request_count SET UNLOGGED", reverse_sql=migrations.RunSQL.noop),
        migrations.AddField(
            model_name="apikey",
            name="description",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AddField(
            model_name="apikey",
            name="last_used_address",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="From where it was used last", max_length=64
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="query",
            field=models.TextField(
                blank=True, db_default="", default="", help_text="The key reads only the runs that match; empty: all"
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="max_requests_per_minute",
            field=models.IntegerField(
                blank=True,
                help_text="Requests with API keys beyond it are refused with status 429; null: no limit",
                null=True,
            ),
        ),
    ]
