"""Index the ids of steps, so that `step:` finds them. Writers go on meanwhile."""

from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("runs", "0022_search_text")]

    operations = [
        AddIndexConcurrently(
            model_name="runstep",
            index=models.Index(
                models.F("project"), OpClass("external_id", "text_pattern_ops"), name="step_external_id"
            ),
        ),
    ]
