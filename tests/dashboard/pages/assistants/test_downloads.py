"""The list of assistants as JSON and CSV."""

from __future__ import annotations

import csv
import io


def test_json_has_the_numbers_of_the_page(member_client, three_assistants):
    document = member_client.get("/p/default/assistants.json").json()
    assert (document["object"], document["count"], document["capped"]) == ("list", 3, False)
    busiest, second, last = document["data"]
    assert [busiest["assistant_id"], second["assistant_id"], last["name"]] == ["asst_b", "asst_a", "Archivist"]
    assert second == {
        "assistant_id": "asst_a", "name": None, "runs": 2, "failed": 1, "tokens": 1100, "cost_usd": "0.003500000",
        "unpriced_tokens": 0, "configurations": 1, "last_run_at": second["last_run_at"],
    }  # fmt: skip
    assert busiest["cost_usd"] is None


def test_csv_has_the_order_of_the_page(member_client, three_assistants):
    response = member_client.get("/p/default/assistants.csv?sort=name")
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"))))
    assert [row["name"] or row["assistant_id"] for row in rows] == ["Archivist", "asst_a", "asst_b"]
