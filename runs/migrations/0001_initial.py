"""Create every table of Runglass, with its indexes and constraints."""

import uuid
from typing import Any

import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import NotSupportedError, ProgrammingError, migrations, models, transaction


class CreateTrigramExtension(TrigramExtension):
    """Create the extension pg_trgm, which the indexes for text search need.

    The owner of a database may create it, provided that the server has Postgres's contrib modules installed.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create the extension. Raises NotSupportedError, which says what an administrator has to run."""
        try:
            with transaction.atomic(using=schema_editor.connection.alias):
                super().database_forwards(app_label, schema_editor, from_state, to_state)
        except (NotSupportedError, ProgrammingError) as error:
            raise NotSupportedError(
                "Text search needs the Postgres extension pg_trgm, and this database user cannot create it: "
                f"{str(error).splitlines()[0]}. Ask an administrator to run, in this database: "
                "CREATE EXTENSION pg_trgm"
            ) from error


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        CreateTrigramExtension(),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                (
                    "preferences",
                    models.JSONField(blank=True, default=dict, help_text="Display preferences, such as columns"),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "abstract": False,
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[("viewer", "Viewer"), ("member", "Member"), ("admin", "Admin")],
                        default="viewer",
                        max_length=10,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "membership",
            },
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "prices",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Price overrides (`runs.enrichment.pricing.PriceOverrides`): model -> input, output, cached, as text in dollars per million tokens",
                    ),
                ),
                (
                    "enriched_with",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Fingerprint of what costs and error groups were last derived with (`enrichment.derived_fields`)",
                        max_length=100,
                    ),
                ),
                (
                    "members",
                    models.ManyToManyField(
                        related_name="projects", through="runs.Membership", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "project",
                "ordering": ["slug"],
            },
        ),
        migrations.CreateModel(
            name="MetadataValue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project", "key", "value", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.TextField()),
                ("value", models.TextField()),
                ("last_hour", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "metadata_value",
            },
        ),
        migrations.CreateModel(
            name="MetadataKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.TextField()),
                ("is_complete", models.BooleanField(default=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "metadata_key",
            },
        ),
        migrations.AddField(
            model_name="membership",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="runs.project"
            ),
        ),
        migrations.CreateModel(
            name="HourByTool",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("type", models.TextField()),
                ("name", models.TextField()),
                ("assistant_id", models.TextField(null=True)),
                ("calls", models.BigIntegerField()),
                ("failed", models.BigIntegerField()),
                ("checked", models.BigIntegerField()),
                ("invalid_calls", models.BigIntegerField()),
                ("outputs", models.BigIntegerField()),
                ("output_bytes", models.BigIntegerField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_hour_tool",
            },
        ),
        migrations.CreateModel(
            name="HourByStatus",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("runs", models.BigIntegerField()),
                ("prompt_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("completion_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("total_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cached_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("reasoning_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cost", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("unpriced_tokens", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("failed", models.BigIntegerField(default=0, help_text="Number of runs with status failed")),
                ("hour", models.DateTimeField()),
                ("status", models.TextField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_hour_status",
            },
        ),
        migrations.CreateModel(
            name="HourByModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("runs", models.BigIntegerField()),
                ("prompt_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("completion_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("total_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cached_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("reasoning_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cost", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("unpriced_tokens", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("failed", models.BigIntegerField(default=0, help_text="Number of runs with status failed")),
                ("hour", models.DateTimeField()),
                ("model", models.TextField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_hour_model",
            },
        ),
        migrations.CreateModel(
            name="HourByAssistant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("runs", models.BigIntegerField()),
                ("prompt_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("completion_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("total_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cached_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("reasoning_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cost", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("unpriced_tokens", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("failed", models.BigIntegerField(default=0, help_text="Number of runs with status failed")),
                ("hour", models.DateTimeField()),
                ("assistant_id", models.TextField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_hour_assistant",
            },
        ),
        migrations.CreateModel(
            name="ErrorGroup",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("version", models.SmallIntegerField(help_text="Version of the grouping algorithm")),
                ("status", models.TextField()),
                ("code", models.TextField(null=True)),
                (
                    "template",
                    models.TextField(help_text="The message, with the parts that differ between runs replaced"),
                ),
                ("sample", models.TextField(help_text="The first message of the group")),
                ("first_seen_at", models.DateTimeField(help_text="Time of receipt of its first run")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("resolved", "Resolved"), ("ignored", "Ignored")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("state_changed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "state_changed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "error_group",
            },
        ),
        migrations.CreateModel(
            name="DayByModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("runs", models.BigIntegerField()),
                ("prompt_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("completion_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("total_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cached_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("reasoning_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cost", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("unpriced_tokens", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("failed", models.BigIntegerField(default=0, help_text="Number of runs with status failed")),
                ("day", models.DateField()),
                ("model", models.TextField(null=True)),
                ("status", models.TextField()),
                ("error_code", models.TextField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_day_model",
            },
        ),
        migrations.CreateModel(
            name="DayByAssistant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("runs", models.BigIntegerField()),
                ("prompt_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("completion_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("total_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cached_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("reasoning_tokens", models.DecimalField(decimal_places=0, max_digits=40)),
                ("cost", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("unpriced_tokens", models.DecimalField(decimal_places=0, default=0, max_digits=40)),
                ("failed", models.BigIntegerField(default=0, help_text="Number of runs with status failed")),
                ("day", models.DateField()),
                ("assistant_id", models.TextField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_day_assistant",
            },
        ),
        migrations.CreateModel(
            name="Configuration",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("assistant_id", models.TextField()),
                ("body", models.TextField(help_text="JSON object of the configuration fields, as posted")),
                ("model", models.TextField(null=True)),
                ("instructions", models.TextField(null=True)),
                (
                    "tool_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        default=list,
                        help_text="Distinct tools[].type, in order",
                        size=None,
                    ),
                ),
                (
                    "function_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        default=list,
                        help_text="tools[].function.name, in order",
                        size=None,
                    ),
                ),
                ("first_seen_at", models.DateTimeField(help_text="Time of first receipt")),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "configuration",
            },
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("user_name", models.CharField(max_length=150)),
                (
                    "action",
                    models.CharField(help_text="Completes a sentence that begins with the user name", max_length=200),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="audit_events", to="runs.project"
                    ),
                ),
            ],
            options={
                "db_table": "audit_event",
            },
        ),
        migrations.CreateModel(
            name="Assistant",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("external_id", models.TextField(help_text="The posted id, which is the assistant_id of runs")),
                ("posted_name", models.TextField(null=True)),
                ("given_name", models.TextField(null=True)),
                ("given_at", models.DateTimeField(null=True)),
                (
                    "version",
                    models.IntegerField(
                        default=1, help_text="Number of posts that changed it; guards concurrent writes"
                    ),
                ),
                ("received_at", models.DateTimeField(help_text="Time of first receipt of a name")),
                ("seen_at", models.DateTimeField(help_text="Time of last receipt, changed or not")),
                (
                    "given_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="assistants", to="runs.project"
                    ),
                ),
            ],
            options={
                "db_table": "assistant",
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "prefix",
                    models.CharField(help_text="The first characters, shown to tell keys apart", max_length=16),
                ),
                ("digest", models.BinaryField(help_text="SHA-256 of the key", max_length=32, unique=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(choices=[("ingest", "Ingest"), ("read", "Read")], max_length=10),
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Updated at most once a minute, so that most requests write nothing",
                        null=True,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="api_keys", to="runs.project"
                    ),
                ),
            ],
            options={
                "db_table": "api_key",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("external_id", models.TextField(help_text="The posted id")),
                ("created_at", models.DateTimeField()),
                ("metadata", models.JSONField(null=True)),
                (
                    "absent",
                    models.IntegerField(default=0, help_text="Bit set of the known fields that were not posted"),
                ),
                (
                    "extra",
                    models.TextField(
                        help_text="JSON object of the posted fields that columns can't represent", null=True
                    ),
                ),
                ("version", models.IntegerField(default=1, help_text="Number of writes; guards concurrent writes")),
                ("received_at", models.DateTimeField(help_text="Time of first receipt")),
                ("seen_at", models.DateTimeField(help_text="Time of last receipt, changed or not")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("status", models.TextField()),
                ("thread_id", models.TextField()),
                ("assistant_id", models.TextField()),
                ("model", models.TextField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("cancelled_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("required_action", models.TextField(help_text="JSON, as posted", null=True)),
                ("error_code", models.TextField(null=True)),
                ("error_message", models.TextField(null=True)),
                ("incomplete_reason", models.TextField(null=True)),
                ("prompt_tokens", models.BigIntegerField(null=True)),
                ("completion_tokens", models.BigIntegerField(null=True)),
                ("total_tokens", models.BigIntegerField(null=True)),
                ("cached_tokens", models.BigIntegerField(null=True)),
                ("reasoning_tokens", models.BigIntegerField(null=True)),
                ("revision", models.TextField(choices=[("v1", "V1"), ("v2", "V2"), ("azure", "Azure")])),
                (
                    "ended_at",
                    models.DateTimeField(help_text="The timestamp that belongs to the terminal status", null=True),
                ),
                ("duration_ms", models.BigIntegerField(help_text="From created_at to ended_at", null=True)),
                ("action_type", models.TextField(null=True)),
                (
                    "pending_functions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        help_text="Names of the tool calls whose outputs the run waits for",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "cost",
                    models.BigIntegerField(
                        help_text="Estimate in nano-dollars; null if the model has no price", null=True
                    ),
                ),
                ("history_length", models.IntegerField(default=0, help_text="Number of observations")),
                (
                    "configuration",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="runs",
                        to="runs.configuration",
                    ),
                ),
                (
                    "error_group",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="runs",
                        to="runs.errorgroup",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
                (
                    "received_key",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="runs.apikey",
                    ),
                ),
            ],
            options={
                "db_table": "run",
            },
        ),
        migrations.CreateModel(
            name="Observation",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run", "n", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("n", models.IntegerField(help_text="Position in the run's history, from 1")),
                ("outcome", models.TextField(choices=[("updated", "Updated"), ("stale", "Stale")])),
                ("received_at", models.DateTimeField()),
                ("status_before", models.TextField()),
                ("status_after", models.TextField(help_text="Of a stale post: the status in the post")),
                (
                    "changed",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), help_text="Top-level fields that differ", size=None
                    ),
                ),
                (
                    "other",
                    models.TextField(
                        help_text="JSON object of the changed fields: their values before an update, or in a stale post. Fields that were absent are left out"
                    ),
                ),
                (
                    "conflict",
                    models.BooleanField(default=False, help_text="Two terminal statuses contradict each other"),
                ),
                (
                    "digest",
                    models.BigIntegerField(
                        help_text="Hash of the posted object, so that a stale post is recorded once"
                    ),
                ),
                (
                    "received_key",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="runs.apikey",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="observations",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "db_table": "observation",
            },
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("text", models.TextField(help_text="Markdown")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("edited_at", models.DateTimeField(null=True)),
                (
                    "author",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="Null after the user is deleted; the comment stays",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="comments",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "db_table": "comment",
            },
        ),
        migrations.CreateModel(
            name="RunStep",
            fields=[
                ("external_id", models.TextField(help_text="The posted id")),
                ("created_at", models.DateTimeField()),
                ("metadata", models.JSONField(null=True)),
                (
                    "absent",
                    models.IntegerField(default=0, help_text="Bit set of the known fields that were not posted"),
                ),
                (
                    "extra",
                    models.TextField(
                        help_text="JSON object of the posted fields that columns can't represent", null=True
                    ),
                ),
                ("version", models.IntegerField(default=1, help_text="Number of writes; guards concurrent writes")),
                ("received_at", models.DateTimeField(help_text="Time of first receipt")),
                ("seen_at", models.DateTimeField(help_text="Time of last receipt, changed or not")),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run", "external_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("run_external_id", models.TextField()),
                ("thread_id", models.TextField(null=True)),
                ("assistant_id", models.TextField(null=True)),
                ("status", models.TextField()),
                ("type", models.TextField()),
                ("details", models.TextField(help_text="step_details as JSON, as posted", null=True)),
                ("cancelled_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("expired_at", models.DateTimeField(null=True)),
                (
                    "expires_at",
                    models.DateTimeField(
                        help_text="Sent by OpenAI's and Azure's servers instead of expired_at", null=True
                    ),
                ),
                ("error_code", models.TextField(null=True)),
                ("error_message", models.TextField(null=True)),
                ("prompt_tokens", models.BigIntegerField(null=True)),
                ("completion_tokens", models.BigIntegerField(null=True)),
                ("total_tokens", models.BigIntegerField(null=True)),
                ("cached_tokens", models.BigIntegerField(null=True)),
                ("reasoning_tokens", models.BigIntegerField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "tool_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        default=list,
                        help_text="Types of the tool calls, in order",
                        size=None,
                    ),
                ),
                (
                    "tool_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        default=list,
                        help_text="One per tool call: the function name, or the type if it has none",
                        size=None,
                    ),
                ),
                (
                    "invalid_calls",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        help_text="Names of the tool calls that violate the run's tool schemas",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "tool_outputs",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(null=True),
                        help_text="One per tool call: the size of its output in bytes, null without output",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="steps",
                        to="runs.run",
                    ),
                ),
            ],
            options={
                "db_table": "run_step",
            },
        ),
        migrations.CreateModel(
            name="RunTag",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run", "tag", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("tag", models.TextField()),
                ("created_at", models.DateTimeField(help_text="Creation time of the run")),
                ("tagged_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="tags",
                        to="runs.run",
                    ),
                ),
                (
                    "tagged_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "run_tag",
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("query", models.TextField(blank=True, help_text="Query text; empty for all runs")),
                (
                    "sort",
                    models.TextField(blank=True, help_text="As in the URL of the list; empty for newest first"),
                ),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        help_text="Null for the columns that the user prefers",
                        null=True,
                        size=None,
                    ),
                ),
                (
                    "shared",
                    models.BooleanField(default=False, help_text="Visible to the whole project, or to its owner only"),
                ),
                (
                    "is_default",
                    models.BooleanField(default=False, help_text="The view that the project's run list opens with"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="views", to="runs.project"
                    ),
                ),
            ],
            options={
                "db_table": "saved_view",
            },
        ),
        migrations.CreateModel(
            name="ToolDefinition",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("assistant_id", models.TextField()),
                ("type", models.TextField()),
                ("name", models.TextField(help_text="Function name, MCP server label, or else the type")),
                ("digest", models.UUIDField(help_text="Hash of the definition; the order of members does not matter")),
                ("description", models.TextField(null=True)),
                ("body", models.TextField(help_text="JSON of the tool, as posted")),
                (
                    "first_seen_at",
                    models.DateTimeField(help_text="Creation time of the earliest run with this definition"),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "tool_definition",
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("external_id", models.TextField(help_text="The posted id")),
                ("created_at", models.DateTimeField()),
                ("metadata", models.JSONField(null=True)),
                (
                    "absent",
                    models.IntegerField(default=0, help_text="Bit set of the known fields that were not posted"),
                ),
                (
                    "extra",
                    models.TextField(
                        help_text="JSON object of the posted fields that columns can't represent", null=True
                    ),
                ),
                ("version", models.IntegerField(default=1, help_text="Number of writes; guards concurrent writes")),
                ("received_at", models.DateTimeField(help_text="Time of first receipt")),
                ("seen_at", models.DateTimeField(help_text="Time of last receipt, changed or not")),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("thread_id", models.TextField()),
                ("run_external_id", models.TextField(null=True)),
                ("assistant_id", models.TextField(null=True)),
                ("status", models.TextField(null=True)),
                ("role", models.TextField()),
                ("content", models.TextField(help_text="JSON, as posted", null=True)),
                (
                    "text",
                    models.TextField(default="", help_text="The text parts of the content, for display and search"),
                ),
                ("completed_at", models.DateTimeField(null=True)),
                ("incomplete_at", models.DateTimeField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="runs.project",
                    ),
                ),
            ],
            options={
                "db_table": "message",
                "indexes": [
                    models.Index(
                        models.F("project"),
                        models.F("thread_id"),
                        models.F("created_at"),
                        models.F("id"),
                        name="message_thread",
                    ),
                    models.Index(models.F("project"), models.F("run_external_id"), name="message_run"),
                    models.Index(models.F("project"), models.F("created_at"), models.F("id"), name="message_newest"),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=("user", "project"), name="membership_once"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["viewer", "member", "admin"])), name="membership_role_known"
            ),
        ),
        migrations.AddIndex(
            model_name="hourbytool",
            index=models.Index(models.F("project"), models.F("hour"), name="rollup_hour_tool_hour"),
        ),
        migrations.AddIndex(
            model_name="hourbytool",
            index=models.Index(
                models.F("project"), models.F("name"), models.F("type"), models.F("hour"), name="rollup_hour_tool_tool"
            ),
        ),
        migrations.AddIndex(
            model_name="hourbystatus",
            index=models.Index(models.F("project"), models.F("hour"), name="rollup_hour_status_hour"),
        ),
        migrations.AddIndex(
            model_name="hourbymodel",
            index=models.Index(models.F("project"), models.F("hour"), name="rollup_hour_model_hour"),
        ),
        migrations.AddIndex(
            model_name="hourbyassistant",
            index=models.Index(models.F("project"), models.F("hour"), name="rollup_hour_assistant_hour"),
        ),
        migrations.AddIndex(
            model_name="errorgroup",
            index=models.Index(models.F("project"), models.F("state"), name="error_group_state"),
        ),
        migrations.AddConstraint(
            model_name="errorgroup",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "resolved", "ignored"])), name="error_group_state_known"
            ),
        ),
        migrations.AddIndex(
            model_name="daybymodel",
            index=models.Index(models.F("project"), models.F("day"), name="rollup_day_model_day"),
        ),
        migrations.AddIndex(
            model_name="daybyassistant",
            index=models.Index(models.F("project"), models.F("day"), name="rollup_day_assistant_day"),
        ),
        migrations.AddIndex(
            model_name="configuration",
            index=models.Index(
                models.F("project"),
                models.F("assistant_id"),
                models.F("first_seen_at"),
                models.F("id"),
                name="configuration_assistant",
            ),
        ),
        migrations.AddIndex(
            model_name="configuration",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("instructions", "gin_trgm_ops"),
                name="configuration_instructions",
            ),
        ),
        migrations.AddIndex(
            model_name="configuration",
            index=django.contrib.postgres.indexes.GinIndex(fields=["function_names"], name="configuration_functions"),
        ),
        migrations.AddIndex(
            model_name="configuration",
            index=django.contrib.postgres.indexes.GinIndex(fields=["tool_types"], name="configuration_tools"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["project", "-at"], name="audit_event_newest"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(models.F("project"), models.F("created_at"), models.F("id"), name="run_newest"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(models.F("project"), models.F("status"), models.F("created_at"), name="run_status"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(models.F("project"), models.F("model"), models.F("created_at"), name="run_model"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"), models.F("assistant_id"), models.F("created_at"), name="run_assistant"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"), models.F("thread_id"), models.F("created_at"), models.F("id"), name="run_thread"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(models.F("configuration"), models.F("created_at"), name="run_configuration"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                models.F("error_code"),
                models.F("created_at"),
                condition=models.Q(("error_code__isnull", False)),
                name="run_error",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                models.F("incomplete_reason"),
                models.F("created_at"),
                condition=models.Q(("incomplete_reason__isnull", False)),
                name="run_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                models.F("created_at"),
                condition=models.Q(("pending_functions__isnull", False)),
                name="run_awaiting",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                models.F("created_at"),
                models.F("id"),
                condition=models.Q(("status__in", ["cancelling", "in_progress", "queued", "requires_action"])),
                name="run_active",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("error_group"),
                models.F("created_at"),
                condition=models.Q(("error_group__isnull", False)),
                name="run_error_group",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                models.F("created_at"),
                condition=models.Q(("error_group__isnull", False)),
                include=("error_group", "assistant_id", "model", "configuration", "total_tokens", "cost"),
                name="run_error_sums",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                django.contrib.postgres.indexes.OpClass("external_id", "text_pattern_ops"),
                name="run_external_id",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                models.F("revision"),
                condition=models.Q(("revision", "v2"), _negated=True),
                name="run_revision",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                django.db.models.functions.comparison.Coalesce("duration_ms", models.Value(-9223372036854775807)),
                name="run_by_duration",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                django.db.models.functions.comparison.Coalesce("total_tokens", models.Value(-9223372036854775807)),
                name="run_by_tokens",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                models.F("project"),
                django.db.models.functions.comparison.Coalesce("cost", models.Value(-9223372036854775807)),
                name="run_by_cost",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=django.contrib.postgres.indexes.BrinIndex(
                models.F("received_at"),
                models.F("started_at"),
                models.F("ended_at"),
                models.F("prompt_tokens"),
                models.F("completion_tokens"),
                models.F("cached_tokens"),
                models.F("reasoning_tokens"),
                django.db.models.expressions.CombinedExpression(models.F("started_at"), "-", models.F("created_at")),
                django.db.models.expressions.CombinedExpression(models.F("ended_at"), "-", models.F("created_at")),
                name="run_ranges",
                pages_per_range=4,
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["metadata"], gin_pending_list_limit=512, name="run_metadata"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("error_message", "gin_trgm_ops"),
                condition=models.Q(("error_message__isnull", False)),
                gin_pending_list_limit=512,
                name="run_error_message",
            ),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=django.contrib.postgres.indexes.GinIndex(fields=["tool_names"], name="step_tool_names"),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=django.contrib.postgres.indexes.GinIndex(fields=["tool_types"], name="step_tool_types"),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=models.Index(
                models.F("project"),
                models.F("created_at"),
                condition=models.Q(("tool_types", []), _negated=True),
                name="step_calls",
            ),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=models.Index(
                models.F("received_at"),
                condition=models.Q(models.Q(("tool_types", []), _negated=True), ("invalid_calls", None)),
                name="step_pending_validation",
            ),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("invalid_calls", []), _negated=True),
                fields=["invalid_calls"],
                name="step_invalid_calls",
            ),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("status", "failed")), fields=["tool_names"], name="step_failed"
            ),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=models.Index(
                models.F("run"), condition=models.Q(("invalid_calls", []), _negated=True), name="step_any_invalid_call"
            ),
        ),
        migrations.AddIndex(
            model_name="runstep",
            index=models.Index(
                models.F("run"),
                condition=models.Q(models.Q(("tool_types", []), _negated=True), ("status", "failed")),
                name="step_any_failed",
            ),
        ),
        migrations.AddIndex(
            model_name="runtag",
            index=models.Index(models.F("project"), models.F("tag"), models.F("created_at"), name="run_tag_newest"),
        ),
        migrations.AddIndex(
            model_name="runtag",
            index=models.Index(models.F("project"), models.F("created_at"), name="run_tag_project"),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                models.F("project"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("shared", True)),
                name="saved_view_once_for_all",
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                models.F("project"),
                models.F("owner"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("shared", False)),
                name="saved_view_once_for_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)), fields=("project",), name="saved_view_one_default"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_default", False), ("shared", True), _connector="OR"),
                name="saved_view_default_is_for_all",
            ),
        ),
        migrations.AddIndex(
            model_name="tooldefinition",
            index=models.Index(models.F("project"), models.F("type"), models.F("name"), name="tool_definition_tool"),
        ),
    ]
