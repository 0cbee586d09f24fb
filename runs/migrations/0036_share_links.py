"""Add links to single runs, and whether a project allows them. Safe beside older code: columns have defaults."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0035_saved_view_chart"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="is_sharing_enabled",
            field=models.BooleanField(
                db_default=True, default=True, help_text="Whether links to single runs can be made and opened"
            ),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="category",
            field=models.CharField(
                choices=[
                    ("sign_in", "Sign-ins"),
                    ("sign_in_failure", "Failed sign-ins"),
                    ("key_failure", "Refused API keys"),
                    ("api_key", "API keys"),
                    ("member", "Members"),
                    ("sharing", "Sharing"),
                    ("deletion", "Deletions"),
                    ("change", "Other changes"),
                ],
                db_default="change",
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="ShareLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(help_text="SHA-256 of the token", max_length=32, unique=True)),
                ("maker_name", models.CharField(help_text="Stays after the user is deleted", max_length=150)),
                (
                    "left_out",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("instructions", "Instructions"),
                                ("metadata", "Metadata"),
                                ("outputs", "Outputs"),
                            ],
                            max_length=20,
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("use_count", models.BigIntegerField(db_default=0, default=0, help_text="How often it was opened")),
                ("last_used_at", models.DateTimeField(null=True)),
                (
                    "maker",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="runs.project"),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "db_table": "share_link",
                "indexes": [models.Index(fields=["project", "-id"], name="share_link_newest")],
            },
        ),
    ]
