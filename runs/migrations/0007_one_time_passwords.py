"""Users get an expiry of one-time passwords."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0006_validation_findings"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="password_expires_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Set for a one-time password, which must be changed at the first sign-in",
                null=True,
            ),
        ),
    ]
