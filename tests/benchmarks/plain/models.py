"""A table with one column per field of a run."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class PlainRun(models.Model):
    id = models.CharField(max_length=256, primary_key=True)
    object = models.CharField(max_length=20)
    created_at = models.BigIntegerField()
    assistant_id = models.CharField(max_length=256)
    thread_id = models.CharField(max_length=256)
    status = models.CharField(max_length=256)
    started_at = models.BigIntegerField(null=True)
    expires_at = models.BigIntegerField(null=True)
    cancelled_at = models.BigIntegerField(null=True)
    failed_at = models.BigIntegerField(null=True)
    completed_at = models.BigIntegerField(null=True)
    required_action = models.JSONField(null=True)
    last_error = models.JSONField(null=True)
    incomplete_details = models.JSONField(null=True)
    model = models.CharField(max_length=256, null=True)  # noqa: DJ001
    instructions = models.TextField(null=True)  # noqa: DJ001
    tools = models.JSONField(null=True)
    metadata = models.JSONField(null=True)
    usage = models.JSONField(null=True)
    temperature = models.FloatField(null=True)
    top_p = models.FloatField(null=True)
    max_prompt_tokens = models.BigIntegerField(null=True)
    max_completion_tokens = models.BigIntegerField(null=True)
    truncation_strategy = models.JSONField(null=True)
    tool_choice = models.JSONField(null=True)
    parallel_tool_calls = models.BooleanField(null=True)
    response_format = models.JSONField(null=True)

    class Meta:
        app_label = "plain"
        indexes: ClassVar = [
            models.Index("created_at", "id", name="plain_created"),
            models.Index("status", "created_at", "id", name="plain_status"),
            models.Index("model", "created_at", "id", name="plain_model"),
            models.Index("assistant_id", "created_at", "id", name="plain_assistant"),
            models.Index("thread_id", "created_at", "id", name="plain_thread"),
        ]

    def __str__(self) -> str:
        return self.id
