"""Add the requests that were refused."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0033_triage_scope"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusedRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "digest",
                    models.BinaryField(help_text="Hash of what is told apart", max_length=16, unique=True),
                ),
                ("status", models.SmallIntegerField()),
                ("path", models.CharField(max_length=200)),
                ("reason", models.CharField(max_length=300)),
                (
                    "fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        help_text="The first paths of invalid fields",
                        size=None,
                    ),
                ),
                ("key_name", models.CharField(max_length=150)),
                ("address", models.CharField(max_length=64)),
                (
                    "index",
                    models.IntegerField(
                        help_text="The position of the first invalid object in the last body", null=True
                    ),
                ),
                ("requests", models.IntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        help_text="Null: the API key is unknown",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "refused_request",
                "indexes": [models.Index(models.F("project"), models.F("last_at"), name="refused_request_newest")],
            },
        ),
    ]
