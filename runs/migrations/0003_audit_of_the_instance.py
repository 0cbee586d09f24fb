"""Audit events get a category and an address, and may belong to no project."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0002_postgres_storage"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="address",
            field=models.CharField(blank=True, db_default="", max_length=45),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="category",
            field=models.CharField(
                choices=[
                    ("sign_in", "Sign-ins"),
                    ("sign_in_failure", "Failed sign-ins"),
                    ("key_failure", "Refused API keys"),
                    ("api_key", "API keys"),
                    ("member", "Members"),
                    ("deletion", "Deletions"),
                    ("change", "Other changes"),
                ],
                db_default="change",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="action",
            field=models.CharField(help_text="Completes a sentence that begins with the user name", max_length=400),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="project",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="audit_events", to="runs.project"
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("category", "sign_in")), fields=["address", "-at"], name="audit_event_sign_in"
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("category__in", ["sign_in_failure", "key_failure"])),
                fields=["at"],
                name="audit_event_failure",
            ),
        ),
    ]
