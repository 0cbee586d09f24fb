"""The functions of the shop's back office: warehouse queries, fraud, finance, translation."""

from __future__ import annotations

from random import Random
from typing import Any

from runs.demo.functions import (
    Arguments,
    DemoCase,
    DemoFunction,
    enum_schema,
    make_amount,
    object_schema,
    string_schema,
)

_QUERIES = (
    "select country, count(*) from mart.orders where placed_at > current_date - {n} group by 1 limit 9",
    "select carrier, avg(delivered_at - handed_over_at) from mart.shipments group by carrier limit {n}",
    (
        "with r as (select order_id, sum(refund_eur) as eur from mart.returns group by 1)\n"
        "select round(avg(eur), 2) from r where eur > {n} limit 1"
    ),
    "select channel, sum(checkouts)::numeric / nullif(sum(visits), 0) from mart.sessions group by 1 limit 9",
)
_SIGNALS = ("velocity", "billing_shipping_distance", "disposable_email", "new_device", "basket_value")
_TERMS = {
    "guy line": "防风绳",
    "flysheet": "外帐",
    "dimmable": "可调光",
    "food-grade": "食品级",
    "water column": "耐水压",
}


def _query_arguments(rng: Random, _: DemoCase) -> Arguments:
    arguments: Arguments = {"sql": rng.choice(_QUERIES).format(n=rng.randrange(5, 90))}
    if rng.random() < 0.5:
        arguments["options"] = {"timeout_s": rng.choice((10, 30, 60)), "format": rng.choice(("rows", "csv"))}
    return arguments


def _query_answer(rng: Random, _: Arguments) -> Any:
    rows = [[country, rng.randrange(20, 4000)] for country in ("DE", "FR", "PL", "AT", "NL")[: rng.randrange(1, 6)]]
    return {
        "columns": ["key", "value"],
        "rows": rows,
        "row_count": len(rows),
        "elapsed_ms": rng.randrange(8, 2400),
    }


def _score_answer(rng: Random, _: Arguments) -> Any:
    return {
        "score": rng.randrange(0, 1000) / 1000,
        "reasons": rng.sample(_SIGNALS, 3),
        "model": "fraud-gbm-14",
    }


def _decision_arguments(rng: Random, case: DemoCase) -> Arguments:
    return {
        "order_number": case.order,
        "decision": rng.choice(("release", "release", "hold", "reject")),
        "signals": [
            {"name": name, "weight": rng.randrange(1, 100) / 100} for name in rng.sample(_SIGNALS, rng.randrange(1, 4))
        ],
        "note": None if rng.random() < 0.3 else "Known device, account older than a year.",
    }


RUN_QUERY = DemoFunction(
    "run_query",
    "Run one read-only SQL statement in the warehouse.",
    object_schema(
        {
            "sql": string_schema("SELECT or WITH, with a LIMIT"),
            "options": object_schema(
                {
                    "timeout_s": {"type": "integer", "minimum": 1, "maximum": 60},
                    "format": enum_schema("rows", "csv"),
                }
            ),
        },
        "options",
    ),
    _query_arguments,
    _query_answer,
)
DESCRIBE_TABLE = DemoFunction(
    "describe_table",
    "Columns, types and row count of a table.",
    object_schema(
        {"table": string_schema("Name with schema"), "sample_rows": {"type": "integer", "minimum": 0, "maximum": 20}}
    ),
    lambda rng, _: {
        "table": f"mart.{rng.choice(('orders', 'returns', 'shipments'))}",
        "sample_rows": rng.randrange(4),
    },
    lambda rng, arguments: {"table": arguments["table"], "rows": rng.randrange(10_000, 9_000_000)},
)
SCORE_TRANSACTION = DemoFunction(
    "score_transaction",
    "Score of the fraud model with its main reasons.",
    object_schema({"order_number": string_schema("Order number"), "explain": {"type": "boolean"}}),
    lambda _, case: {"order_number": case.order, "explain": True},
    _score_answer,
    strict=True,
)
LOOKUP_CUSTOMER = DemoFunction(
    "lookup_customer",
    "Age of the account, orders and chargebacks of a customer.",
    object_schema({"customer_id": {"type": "integer"}, "window_days": {"type": "integer", "enum": [30, 90, 365]}}),
    lambda rng, _: {
        "customer_id": rng.randrange(10_000, 900_000),
        "window_days": rng.choice((30, 90, 365)),
    },
    lambda rng, _: {
        "account_age_days": rng.randrange(0, 3000),
        "orders": rng.randrange(0, 40),
        "chargebacks": 0,
    },
    strict=True,
)
CHECK_DEVICE = DemoFunction(
    "check_device",
    "Whether a device fingerprint is known.",
    object_schema(
        {
            "fingerprint": string_schema("Hex digest"),
            "network": object_schema({"ip": string_schema("Address"), "asn": {"type": "integer"}}),
        }
    ),
    lambda rng, _: {
        "fingerprint": f"{rng.getrandbits(64):016x}",
        "network": {"ip": f"203.0.113.{rng.randrange(1, 255)}", "asn": rng.randrange(64496, 64512)},
    },
    lambda rng, _: {"known": rng.random() < 0.6, "first_seen_days": rng.randrange(0, 900)},
    strict=True,
)
RECORD_DECISION = DemoFunction(
    "record_decision",
    "Record the decision on a stopped order.",
    object_schema(
        {
            "order_number": string_schema("Order number"),
            "decision": enum_schema("release", "hold", "reject"),
            "signals": {
                "type": "array",
                "items": object_schema(
                    {"name": enum_schema(*_SIGNALS), "weight": {"type": "number", "minimum": 0, "maximum": 1}}
                ),
            },
            "note": {"type": ["string", "null"], "maxLength": 300},
        }
    ),
    _decision_arguments,
    lambda rng, _: {"recorded": True, "case": rng.randrange(10_000, 99_999)},
    strict=True,
)
REQUEST_CREDIT_NOTE = DemoFunction(
    "request_credit_note",
    "Ask a supplier for a credit note.",
    object_schema(
        {
            "supplier_id": string_schema("Supplier number"),
            "invoice": string_schema("Invoice number"),
            "difference": object_schema({"amount": {"type": "number"}, "currency": enum_schema("EUR", "CHF")}),
            "grounds": enum_schema("short_delivery", "price", "double_billing"),
        }
    ),
    lambda rng, case: {
        "supplier_id": f"S{rng.randrange(1000, 9999)}",
        "invoice": case.invoice,
        "difference": {"amount": make_amount(rng, 5, 2000), "currency": "EUR"},
        "grounds": rng.choice(("short_delivery", "price", "double_billing")),
    },
    lambda rng, _: {"sent": True, "reference": f"CN-{rng.randrange(1000, 9999)}"},
)
LOOKUP_TERM = DemoFunction(
    "lookup_term",
    "查询术语表中的标准译法。",
    object_schema(
        {
            "term": string_schema("English term"),
            "target": enum_schema("zh-CN", "ja-JP"),
            "category": string_schema("Product group"),
        },
        "category",
    ),
    lambda rng, _: {"term": rng.choice(tuple(_TERMS)), "target": rng.choice(("zh-CN", "ja-JP"))},
    lambda _, arguments: {"term": arguments["term"], "approved": _TERMS[arguments["term"]]},
)
