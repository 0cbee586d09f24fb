"""Add the retention policies of projects."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0028_error_group_triage"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("unsuccessful", "Failed, incomplete and expired runs"), ("other", "All other runs")],
                        max_length=20,
                    ),
                ),
                (
                    "max_age_days",
                    models.IntegerField(help_text="Runs that were created earlier are deleted; null: none", null=True),
                ),
                (
                    "max_runs",
                    models.IntegerField(help_text="So many of the newest runs are kept; null: all", null=True),
                ),
                (
                    "next_round_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When a round begins, at the earliest",
                    ),
                ),
                (
                    "round_cutoff",
                    models.DateTimeField(help_text="The running round deletes earlier runs; null: no round", null=True),
                ),
                (
                    "round_cursor",
                    models.TextField(blank=True, db_default="", default="", help_text="The last run it deleted"),
                ),
                ("round_deleted", models.IntegerField(db_default=0, default=0, help_text="Runs it has deleted")),
                ("last_round_at", models.DateTimeField(help_text="When the last complete round ended", null=True)),
                ("last_deleted", models.IntegerField(db_default=0, default=0, help_text="Runs that round deleted")),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="runs.project"),
                ),
            ],
            options={
                "db_table": "retention_policy",
                "constraints": [
                    models.UniqueConstraint(fields=("project", "kind"), name="retention_policy_one_of_a_kind")
                ],
            },
        ),
    ]
