"""Let the tags of a run know when it was created, also where it was posted with another time since."""

from typing import ClassVar

from django.db import migrations, models

MOVE = """
    UPDATE run_tag SET created_at = run.created_at FROM run
     WHERE run.id = run_tag.run_id AND run.created_at <> run_tag.created_at"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0019_metadata_values")]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="runtag",
            name="created_at",
            field=models.DateTimeField(help_text="When the run was created"),
        ),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
    ]
