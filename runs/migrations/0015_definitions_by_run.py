"""Since when a tool is defined is told by the runs, not by their receipt: archives are imported in one day."""

from typing import Any, ClassVar

from django.db import migrations, models
from django.db.models import Min

from runs.protocol import tool_definitions


def date(apps: Any, _: Any) -> None:
    """The creation of the earliest run that could call it."""
    stored, run = apps.get_model("runs", "ToolDefinition"), apps.get_model("runs", "Run")
    for configuration in apps.get_model("runs", "Configuration").objects.iterator(100):
        since = run.objects.filter(configuration=configuration.pk).aggregate(since=Min("created_at"))["since"]
        keys = [
            tool_definitions.tool_definition_id(configuration.project_id, configuration.assistant_id, each)
            for each in tool_definitions.parse_tool_definitions(configuration.body)
        ]
        if since is not None:
            stored.objects.filter(pk__in=keys, first_seen_at__gt=since).update(first_seen_at=since)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0014_ranges_in_pages")]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="tooldefinition",
            name="first_seen_at",
            field=models.DateTimeField(help_text="When the earliest run was created that came with it at first"),
        ),
        migrations.RunPython(date, migrations.RunPython.noop),
    ]
