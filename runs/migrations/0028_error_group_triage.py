"""Add the assignees, comments and activity of error groups, and until when groups are ignored."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0027_search_recheck"),
    ]

    operations = [
        migrations.AddField(
            model_name="errorgroup",
            name="assignee",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="errorgroup",
            name="ignored_until",
            field=models.CharField(
                choices=[("forever", "Forever"), ("runs", "Runs"), ("date", "Date"), ("regression", "Regression")],
                db_default="forever",
                default="forever",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="errorgroup",
            name="ignored_until_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="errorgroup",
            name="ignored_until_runs",
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="ErrorGroupComment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("text", models.TextField(help_text="Markdown")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("edited_at", models.DateTimeField(null=True)),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "group", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="Null after the user is deleted; the comment stays",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="comments",
                        to="runs.errorgroup",
                    ),
                ),
            ],
            options={
                "db_table": "error_group_comment",
            },
        ),
        migrations.CreateModel(
            name="ErrorGroupEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("user_name", models.TextField(help_text="Of the user or of the API key")),
                ("action", models.TextField(help_text="Completes a sentence that begins with the user name")),
                (
                    "state",
                    models.CharField(
                        blank=True, db_default="", help_text="The state that was set, if any", max_length=10
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="runs.errorgroup",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "error_group_event",
                "indexes": [models.Index(fields=["group", "-at"], name="error_group_event_newest")],
            },
        ),
    ]
