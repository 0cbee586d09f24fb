"""Put the columns of saved views into the order in which the list showed them: their stored order now counts.

Safe beside older code, which ignores the order and whose own views are in the order of the alphabet.
"""

from django.db import migrations

_REORDER = """
    WITH shown (names) AS (
        VALUES ('{duration,source,assistant,thread,model,tools,tokens,cost,metadata,tags}'::text[])
    )
    UPDATE saved_view SET columns = (
        SELECT array_agg(name ORDER BY array_position(shown.names, name), name) FROM unnest(columns) AS name)
      FROM shown WHERE cardinality(columns) > 1"""


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0020_bulk_actions"),
    ]

    operations = [migrations.RunSQL(_REORDER, migrations.RunSQL.noop)]
