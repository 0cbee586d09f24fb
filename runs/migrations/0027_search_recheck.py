"""Note the time of the upgrade, after which texts that older code did not write are rechecked."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0026_search_text_created"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="search_recheck_since",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                default=None,
                editable=False,
                help_text="Texts of records that were received since are rechecked (`enrichment.search_recheck`); null: none",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="search_rechecked_until",
            field=models.TextField(
                db_default="", default="", editable=False, help_text="The pass of this recheck and its last record"
            ),
        ),
        migrations.AlterField(
            model_name="searchtext",
            name="id",
            field=models.UUIDField(
                editable=False,
                help_text="The message's, or a hash of the key of the step or run",
                primary_key=True,
                serialize=False,
            ),
        ),
        migrations.AlterField(
            model_name="searchtext",
            name="kind",
            field=models.SmallIntegerField(
                choices=[
                    (1, "message of a user"),
                    (2, "message of an assistant"),
                    (3, "message of another role"),
                    (4, "tool calls"),
                ]
            ),
        ),
    ]
