"""Ranges of duration and tokens are asked in the words of the indexes that sort by them."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("runs", "0001_initial")]

    operations: ClassVar = [
        migrations.RemoveIndex(model_name="run", name="run_duration"),
        migrations.RemoveIndex(model_name="run", name="run_tokens"),
    ]
