"""Add the reviews of runs."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0030_expired_error_sentence"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bulkaction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("add_tags", "Add tags"),
                    ("remove_tags", "Remove tags"),
                    ("mark_reviewed", "Mark as reviewed"),
                    ("unmark_reviewed", "Mark as not reviewed"),
                    ("delete", "Delete"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="RunReview",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="review",
                        serialize=False,
                        to="runs.run",
                    ),
                ),
                ("created_at", models.DateTimeField(help_text="Creation time of the run")),
                ("reviewed_at", models.DateTimeField()),
                ("reviewer", models.TextField(help_text="Name of the user, which stays after the user is deleted")),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "run_review",
                "indexes": [
                    models.Index(
                        models.F("project"), models.F("reviewer"), models.F("created_at"), name="run_review_by_reviewer"
                    ),
                    models.Index(models.F("project"), models.F("created_at"), name="run_review_newest"),
                ],
            },
        ),
    ]
