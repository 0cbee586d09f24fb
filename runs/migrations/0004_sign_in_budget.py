"""Limits of sign-ins move from the tables of django-axes to one of our own."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Create `sign_in_budget`; drop what django-axes has left, which holds names and addresses."""

    dependencies: ClassVar = [("runs", "0003_audit_of_the_instance")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="SignInBudget",
            fields=[
                ("key", models.CharField(max_length=250, primary_key=True, serialize=False)),
                (
                    "user_name",
                    models.CharField(help_text="Empty for a budget that several users share", max_length=150),
                ),
                ("full_at", models.DateTimeField(help_text="Time at which the budget is whole again")),
            ],
            options={
                "db_table": "sign_in_budget",
                "indexes": [
                    models.Index(fields=["user_name"], name="sign_in_budget_user"),
                    models.Index(fields=["full_at"], name="sign_in_budget_expired"),
                ],
            },
        ),
        migrations.RunSQL(
            "DROP TABLE IF EXISTS axes_accessattemptexpiration, axes_accessattempt, axes_accessfailurelog, axes_accesslog",
            migrations.RunSQL.noop,
        ),
    ]
