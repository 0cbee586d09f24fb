"""Add the time zone of projects, safe beside older code: the column has a database default."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0018_agent_key_progress"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="time_zone",
            field=models.CharField(
                db_default="UTC",
                default="UTC",
                help_text="IANA name of the time zone in which pages show times to readers whose browsers send none",
                max_length=64,
            ),
        ),
    ]
