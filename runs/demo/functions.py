"""The functions of the imaginary shop's assistants: schemas, sample arguments and sample outputs.

Every sampled call is valid. The module `calls` makes the invalid ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

Arguments = dict[str, Any]


class DemoCase(NamedTuple):
    """The subject of a conversation. All of its calls and messages refer to it."""

    order: str
    sku: str
    invoice: str
    eur: float


@dataclass(frozen=True, slots=True)
class DemoFunction:
    """A function: its JSON Schema, and samplers of its arguments and outputs."""

    name: str
    description: str
    parameters: dict[str, Any]
    arguments: Callable[[Random, DemoCase], Arguments]
    answer: Callable[[Random, Arguments], Any]
    strict: bool | None = None

    def tool(self) -> dict[str, Any]:
        """Return the entry of a run's `tools`. `strict` is left out if it was never set, as older clients do."""
        function: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }
        if self.strict is not None:
            function["strict"] = self.strict
        return {"type": "function", "function": function}


def object_schema(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    """Return an object schema. All properties are required except the `optional` ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def string_schema(description: str, **more: Any) -> dict[str, Any]:
    """Return a string schema."""
    return {"type": "string", "description": description, **more}


def enum_schema(*values: str) -> dict[str, Any]:
    """Return a string schema with an enum."""
    return {"type": "string", "enum": list(values)}


def make_case(rng: Random) -> DemoCase:
    """Return the order, article, invoice and amount of a new conversation."""
    order, invoice = rng.randrange(100_000, 1_000_000), rng.randrange(10_000, 100_000)
    return DemoCase(f"LF-{order}", make_sku(rng), f"INV-{invoice}", make_amount(rng))


def make_sku(rng: Random) -> str:
    """Return a random article number."""
    return f"{rng.choice(SKU_GROUPS)}-{rng.randrange(1000, 10_000)}-{rng.choice(SKU_COLOURS)}"


def make_amount(rng: Random, low: int = 5, high: int = 400) -> float:
    """Return a random amount of euros with two decimals."""
    return rng.randrange(low * 100, high * 100) / 100


SKU_GROUPS = ("TENT", "MUG", "LAMP", "BOOT", "PACK", "STOVE", "RUG")
SKU_COLOURS = ("BLK", "OAK", "RED", "SND", "GRN")
CARRIERS = ("dhl", "ups", "dpd", "post_nl", "own_fleet")
REASONS = ("changed_mind", "wrong_item", "damaged", "defective", "late")
CITIES = (
    ("Lyon", "FR"),
    ("Gdańsk", "PL"),
    ("Aarhus", "DK"),
    ("Graz", "AT"),
    ("Porto", "PT"),
    ("Ghent", "BE"),
)


def _order_arguments(rng: Random, case: DemoCase) -> Arguments:
    arguments: Arguments = {"order_number": case.order}
    if rng.random() < 0.4:
        arguments["include"] = rng.sample(("items", "shipments", "payments"), 2)
    return arguments


def _order(rng: Random, arguments: Arguments) -> Any:
    quantity = rng.randrange(1, 4)
    return {
        "order_number": arguments["order_number"],
        "status": rng.choice(("paid", "packed", "shipped", "delivered")),
        "total": {"amount": make_amount(rng), "currency": "EUR"},
        "items": [{"sku": make_sku(rng), "quantity": quantity}],
        "is_gift": rng.random() < 0.1,
    }


def _delivery_arguments(rng: Random, case: DemoCase) -> Arguments:
    city, country = rng.choice(CITIES)
    address = {"street": f"Hafenweg {rng.randrange(1, 99)}", "city": city, "country": country}
    if rng.random() < 0.3:
        address["company"] = "c/o Night Shift Café ☕"
    return {"order_number": case.order, "address": address, "notify": rng.random() < 0.8}


def _return_arguments(rng: Random, case: DemoCase) -> Arguments:
    items = [
        {"sku": article, "quantity": rng.randrange(1, 3), "reason": rng.choice(REASONS)}
        for article in (case.sku, make_sku(rng), make_sku(rng))[: rng.choice((1, 1, 1, 2, 3))]
    ]
    return {"order_number": case.order, "items": items, "label": rng.choice(("print", "qr"))}


def _track(rng: Random, arguments: Arguments) -> Any:
    city, country = rng.choice(CITIES)
    return {
        "tracking_number": arguments["tracking_number"],
        "state": rng.choice(("in_transit", "out_for_delivery", "delivered", "exception")),
        "last_scan": {"city": city, "country": country},
        "eta_days": rng.randrange(0, 5),
    }


ORDER_NUMBER = string_schema("Order number, e.g. LF-204981", pattern="^LF-[0-9]{6}$")

LOOKUP_ORDER = DemoFunction(
    "lookup_order",
    "Fetch one order with its state. Call this before saying anything about an order.",
    object_schema(
        {
            "order_number": ORDER_NUMBER,
            "include": {"type": "array", "items": enum_schema("items", "shipments", "payments")},
        },
        "include",
    ),
    _order_arguments,
    _order,
)
TRACK_PARCEL = DemoFunction(
    "track_parcel",
    "Latest scan of a parcel.",
    object_schema({"carrier": enum_schema(*CARRIERS), "tracking_number": string_schema("As printed on the label")}),
    lambda rng, _: {
        "carrier": rng.choice(CARRIERS),
        "tracking_number": f"JD{rng.randrange(10**11, 10**12)}",
    },
    _track,
)
CHANGE_DELIVERY = DemoFunction(
    "change_delivery",
    "Change the delivery address of an order that is not packed yet.",
    object_schema(
        {
            "order_number": ORDER_NUMBER,
            "address": object_schema(
                {
                    "street": string_schema("Street and number"),
                    "city": string_schema("City"),
                    "country": string_schema("ISO 3166-1 alpha-2 code", minLength=2, maxLength=2),
                    "company": string_schema("Company or c/o line"),
                },
                "company",
            ),
            "notify": {"type": "boolean", "description": "Send a confirmation e-mail"},
        }
    ),
    _delivery_arguments,
    lambda rng, arguments: {"ok": rng.random() < 0.9, "address": arguments["address"]},
)
CHECK_STOCK = DemoFunction(
    "check_stock",
    "Stock of one article per warehouse.",
    object_schema(
        {
            "sku": string_schema("Article number"),
            "warehouse": {"type": ["string", "null"], "enum": ["north", "south", None]},
        }
    ),
    lambda rng, case: {"sku": case.sku, "warehouse": rng.choice(("north", "south", None))},
    lambda rng, arguments: {"sku": arguments["sku"], "available": rng.randrange(0, 60)},
    strict=True,
)
CREATE_RETURN = DemoFunction(
    "create_return",
    "Register a return, one entry per item.",
    object_schema(
        {
            "order_number": ORDER_NUMBER,
            "items": {
                "type": "array",
                "minItems": 1,
                "items": object_schema(
                    {
                        "sku": string_schema("Article number"),
                        "quantity": {"type": "integer", "minimum": 1},
                        "reason": enum_schema(*REASONS),
                    }
                ),
            },
            "label": enum_schema("print", "qr"),
        }
    ),
    _return_arguments,
    lambda rng, _: {
        "return_id": f"RMA-{rng.randrange(10_000, 99_999)}",
        "label_url": "https://larkfield.example/l",
    },
)
ISSUE_REFUND = DemoFunction(
    "issue_refund",
    "Refund an amount to the original payment or as store credit.",
    object_schema(
        {
            "order_number": ORDER_NUMBER,
            "amount": {"type": "number", "minimum": 0.01},
            "currency": enum_schema("EUR", "GBP", "PLN"),
            "target": enum_schema("original_payment", "store_credit"),
        }
    ),
    lambda rng, case: {
        "order_number": case.order,
        "amount": case.eur,
        "currency": "EUR",
        "target": rng.choice(("original_payment", "original_payment", "store_credit")),
    },
    lambda rng, arguments: {"refund_id": f"RF{rng.randrange(10**8, 10**9)}", "amount": arguments["amount"]},
)
ESCALATE = DemoFunction(
    "escalate_to_human",
    "Hand the conversation to a colleague.",
    object_schema(
        {
            "reason": enum_schema("limit_exceeded", "abuse_check", "legal", "angry_customer", "other"),
            "summary": string_schema("Three lines at most"),
            "urgent": {"type": "boolean"},
        },
        "urgent",
    ),
    lambda rng, case: {
        "reason": rng.choice(("limit_exceeded", "abuse_check", "angry_customer")),
        "summary": f"Refund {case.eur} EUR on {case.order}.\nPhoto seen.\nPlease approve.",
        "urgent": rng.random() < 0.2,
    },
    lambda rng, _: f"Queued for a colleague, position {rng.randrange(1, 12)}.",
)
