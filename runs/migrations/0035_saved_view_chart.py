"""Add the chart of a saved view."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0034_refused_requests"),
    ]

    operations = [
        migrations.AddField(
            model_name="savedview",
            name="chart",
            field=models.TextField(blank=True, db_default="", default="", help_text="As in the URL; empty for runs"),
        ),
    ]
