from django.db import migrations, models

# Rows are added to, never changed: what failed so far is one more row of each key.
_ADD = """
    INSERT INTO {table} (project_id, hour, {key}, runs, prompt_tokens, completion_tokens, total_tokens,
                         cached_tokens, reasoning_tokens, cost, unpriced_tokens, failed)
    SELECT project_id, date_trunc('hour', created_at, 'UTC'), {key}, 0, 0, 0, 0, 0, 0, 0, 0, count(*)
      FROM run WHERE status = 'failed' GROUP BY 1, 2, 3"""
_OF_STATUS = "UPDATE {table} SET failed = runs WHERE status = 'failed'"


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0009_sorted_by_cost"),
    ]

    operations = [
        *(
            migrations.AddField(
                model_name=name,
                name="failed",
                field=models.BigIntegerField(default=0, help_text="Of the runs, those with status failed"),
            )
            for name in ("daybymodel", "hourbyassistant", "hourbymodel", "hourbystatus")
        ),
        migrations.RunSQL(_OF_STATUS.format(table="rollup_day_model"), migrations.RunSQL.noop),
        migrations.RunSQL(_OF_STATUS.format(table="rollup_hour_status"), migrations.RunSQL.noop),
        migrations.RunSQL(_ADD.format(table="rollup_hour_model", key="model"), migrations.RunSQL.noop),
        migrations.RunSQL(_ADD.format(table="rollup_hour_assistant", key="assistant_id"), migrations.RunSQL.noop),
    ]
