"""The server-side tools of the assistants with their resources, and the groups of functions."""

from __future__ import annotations

from typing import Any

from runs.demo import backoffice, functions

CODE_INTERPRETER: dict[str, Any] = {"type": "code_interpreter"}
FILE_SEARCH: dict[str, Any] = {
    "type": "file_search",
    "file_search": {
        "max_num_results": 20,
        "ranking_options": {"ranker": "default_2024_08_21", "score_threshold": 0.0},
    },
}
STRICT_SEARCH: dict[str, Any] = {
    "type": "file_search",
    "file_search": {"max_num_results": 8, "ranking_options": {"ranker": "auto", "score_threshold": 0.35}},
}
ORDERS = (functions.LOOKUP_ORDER, functions.TRACK_PARCEL, functions.CHANGE_DELIVERY)
RETURNS = (functions.LOOKUP_ORDER, functions.CREATE_RETURN, functions.ISSUE_REFUND, functions.ESCALATE)
ANALYSIS = (backoffice.RUN_QUERY, backoffice.DESCRIBE_TABLE)
FRAUD = (
    backoffice.SCORE_TRANSACTION,
    backoffice.LOOKUP_CUSTOMER,
    backoffice.CHECK_DEVICE,
    backoffice.RECORD_DECISION,
)
REVIEW_SCHEMA: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "review_tags",
        "strict": True,
        "schema": functions.object_schema(
            {
                "sentiment": functions.enum_schema("positive", "neutral", "negative", "mixed"),
                "topics": {"type": "array", "items": {"type": "string"}},
                "defect": {"type": "boolean"},
                "quote": {"type": "string"},
                "language": {"type": "string"},
            }
        ),
    },
}
ERP_API: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "ERP", "version": "7.2"},
    "servers": [{"url": "https://erp.larkfield.example/api"}],
    "paths": {
        "/purchase-orders/{number}": {
            "get": {
                "operationId": "getPurchaseOrder",
                "parameters": [
                    {"name": "number", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "expand", "in": "query", "schema": functions.enum_schema("lines", "receipts")},
                ],
                "responses": {"200": {"description": "The purchase order"}},
            }
        }
    },
}
CONNECTIONS = "/subscriptions/00000000-0000-4000-a000-000000000000/connections"
AZURE_TOOLS: tuple[dict[str, Any], ...] = (
    {
        "type": "openapi",
        "openapi": {
            "name": "erp",
            "description": "Purchase orders and goods receipts",
            "spec": ERP_API,
            "auth": {"type": "connection", "security_scheme": {"connection_id": f"{CONNECTIONS}/erp"}},
        },
    },
    {"type": "azure_ai_search"},
    {
        "type": "mcp",
        "server_label": "ledger",
        "server_url": "https://ledger.larkfield.example/mcp",
        "allowed_tools": ["post_entry", "reverse_entry", "list_entries"],
    },
    {
        "type": "bing_grounding",
        "bing_grounding": {"search_configurations": [{"connection_id": f"{CONNECTIONS}/bing"}]},
    },
    {
        "type": "connected_agent",
        "connected_agent": {
            "id": "asst_Vq2mT7xKc4RzPw9LdYh3NbFs",
            "name": "vat_specialist",
            "description": "Cross-border VAT, reverse charge, deposits",
        },
    },
)
AZURE_RESOURCES: dict[str, Any] = {
    "azure_ai_search": {
        "indexes": [
            {
                "index_connection_id": f"{CONNECTIONS}/search",
                "index_name": "invoices-eu",
                "query_type": "semantic",
            }
        ]
    },
    "mcp": [
        {
            "server_label": "ledger",
            "headers": {"x-tenant": "REDACTED"},
            "require_approval": {"never": {"tool_names": ["list_entries"]}},
        }
    ],
}
HANDBOOK = {"file_search": {"vector_store_ids": ["vs_68f1c20a94d48191b7e3d5a06c2f91e8"]}}
CONTRACTS = {
    "code_interpreter": {"file_ids": ["file-8sKq2VvXo4TnRz7LmBc1Yd"]},
    "file_search": {"vector_store_ids": ["vs_67aa91d3e7b08191a2c4f6089b5d3e70"]},
}
