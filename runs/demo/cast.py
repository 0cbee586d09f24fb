"""The assistants of the imaginary shop Larkfield with their configurations over time."""

from __future__ import annotations

from runs.demo import backoffice, functions, instructions
from runs.demo.assistants import DemoAssistant, Dialect, make_full_configuration, make_minimal_configuration
from runs.demo.toolbox import (
    ANALYSIS,
    AZURE_RESOURCES,
    AZURE_TOOLS,
    CODE_INTERPRETER,
    CONTRACTS,
    FILE_SEARCH,
    FRAUD,
    HANDBOOK,
    ORDERS,
    RETURNS,
    REVIEW_SCHEMA,
    STRICT_SEARCH,
)

AZURE = "recon-gpt4o-weu"
TUNED = "ft:gpt-4o-mini-2024-07-18:larkfield:merchant-guide:BzT41kQe"

CAST: tuple[DemoAssistant, ...] = (
    DemoAssistant(
        "order_concierge",
        "asst_4kTzq8WmUe1LrYc0PvNhJxSb",
        "Order concierge",
        Dialect.HOSTED,
        25,
        (
            make_full_configuration(
                0, "gpt-4o-mini", instructions.ORDER_CONCIERGE, (), ORDERS, pace=2.2, temperature=0.7
            ),
            make_full_configuration(
                0.45,
                "gpt-4o-mini",
                instructions.ORDER_CONCIERGE_GIFTS,
                (),
                (*ORDERS, functions.CHECK_STOCK),
                pace=2.4,
                temperature=0.4,
            ),
        ),
    ),
    DemoAssistant(
        "returns_desk",
        "asst_Nw6yBf2RkD9sHcXo7QaVtLgE",
        "Returns desk",
        Dialect.HOSTED,
        17,
        (
            make_full_configuration(
                0, "gpt-4o", instructions.RETURNS_DESK, (FILE_SEARCH,), RETURNS, tool_resources=HANDBOOK
            ),
            make_full_configuration(
                0.72,
                "gpt-4o",
                instructions.RETURNS_DESK_FAST,
                (FILE_SEARCH,),
                RETURNS,
                pace=5.5,
                failure_rate=0.17,
                invalid_call_rate=0.12,
                tool_resources=HANDBOOK,
                temperature=1.2,
                max_completion_tokens=600,
            ),
        ),
    ),
    DemoAssistant(
        "onboarding_guide",
        "asst_c1PdZ5vJoTq3WgKx8MnRyEuA",
        "Onboarding guide",
        Dialect.HOSTED,
        12,
        (
            make_full_configuration(
                0,
                "gpt-4o-mini",
                instructions.ONBOARDING_GUIDE,
                (FILE_SEARCH,),
                pace=2.0,
                tool_resources=HANDBOOK,
            ),
            make_full_configuration(
                0.6,
                TUNED,
                instructions.ONBOARDING_GUIDE_PAYOUTS,
                (FILE_SEARCH,),
                pace=2.6,
                tool_resources=HANDBOOK,
            ),
        ),
    ),
    DemoAssistant(
        "sql_analyst",
        "asst_Xb7LmG0uRs5TfHk2VwQyCjDe",
        "SQL analyst",
        Dialect.HOSTED,
        10,
        (
            make_full_configuration(
                0,
                "gpt-4.1-mini",
                instructions.SQL_ANALYST,
                (CODE_INTERPRETER,),
                ANALYSIS[:1],
                temperature=0.2,
            ),
            make_full_configuration(
                0.3, "gpt-4.1-mini", instructions.SQL_ANALYST, (CODE_INTERPRETER,), ANALYSIS, temperature=0.2
            ),
            make_full_configuration(
                0.8,
                "gpt-4.1",
                instructions.SQL_ANALYST,
                (CODE_INTERPRETER,),
                ANALYSIS,
                pace=6.0,
                temperature=0.2,
            ),
        ),
    ),
    DemoAssistant(
        "contract_reader",
        "asst_Er9KvS3yMh6WzTn1BqUoLdPx",
        "Contract reader",
        Dialect.HOSTED,
        7,
        (
            make_full_configuration(
                0,
                "gpt-4.1",
                instructions.CONTRACT_READER,
                (STRICT_SEARCH, CODE_INTERPRETER),
                pace=8.0,
                tool_resources=CONTRACTS,
                temperature=0,
                max_prompt_tokens=60_000,
                max_completion_tokens=4_000,
                truncation_strategy={"type": "last_messages", "last_messages": 12},
            ),
        ),
    ),
    DemoAssistant(
        "fraud_triage",
        "asst_Ty0WhQ8pVx2CkRm5ZsJeNbGu",
        "Fraud triage",
        Dialect.HOSTED,
        6,
        (
            make_full_configuration(
                0,
                "o4-mini",
                instructions.FRAUD_TRIAGE,
                (),
                FRAUD,
                pace=6.0,
                temperature=None,
                top_p=None,
                reasoning_effort="medium",
                tool_choice={"type": "function", "function": {"name": "score_transaction"}},
                parallel_tool_calls=False,
            ),
            make_full_configuration(
                0.5,
                "o4-mini",
                instructions.FRAUD_TRIAGE,
                (),
                FRAUD,
                pace=3.0,
                temperature=None,
                top_p=None,
                reasoning_effort="low",
                tool_choice="required",
                parallel_tool_calls=False,
            ),
        ),
        reasons=True,
    ),
    DemoAssistant(
        "help_centre",
        "asst_oV4XsKd7RbLw1YgTqM9fUzHc",
        "Help centre",
        Dialect.FIRST,
        8,
        (
            make_minimal_configuration(
                0,
                "gpt-3.5-turbo-1106",
                instructions.HELP_CENTRE,
                ({"type": "retrieval"}, CODE_INTERPRETER),
                file_ids=["file-Zr5TqLm0XcVb8NwPy2KsDh1e", "file-9fJuGt3RoEa6WvSxMk7BnCiY"],
            ),
        ),
    ),
    DemoAssistant(
        "invoice_reconciler",
        "asst_Lg3PzYe8TnVk0MrDwXq5UbCj",
        "Invoice reconciler",
        Dialect.AZURE,
        10,
        (
            make_full_configuration(
                0,
                AZURE,
                instructions.INVOICE_RECONCILER,
                AZURE_TOOLS,
                (backoffice.REQUEST_CREDIT_NOTE,),
                pace=5.0,
                tool_resources=AZURE_RESOURCES,
                temperature=0.1,
            ),
            make_full_configuration(
                0.55,
                AZURE,
                instructions.INVOICE_RECONCILER_STRICT,
                (*AZURE_TOOLS, CODE_INTERPRETER),
                (backoffice.REQUEST_CREDIT_NOTE,),
                pace=5.0,
                tool_resources=AZURE_RESOURCES,
                temperature=0.1,
            ),
        ),
    ),
    DemoAssistant(
        "translation_checker",
        "asst_b7c1e0d2-58a4-4f6b-a1d3-90ce27f4b856",
        "Translation checker",
        Dialect.DASHSCOPE,
        2,
        (
            make_minimal_configuration(
                0,
                "qwen-max",
                instructions.TRANSLATION_CHECKER,
                (),
                (backoffice.LOOKUP_TERM,),
                file_ids=[],
                temperature=None,
                top_p=None,
                top_k=None,
                max_tokens=None,
                truncation_strategy=None,
            ),
        ),
    ),
    DemoAssistant(
        "review_tagger",
        "6f0d3c52-9b1e-4a7c-a8f4-31d7e5b20c96",
        "Review tagger",
        Dialect.COMPATIBLE,
        3,
        (
            make_full_configuration(0, "llama-3.3-70b-instruct", instructions.REVIEW_TAGGER, pace=1.5, temperature=0),
            make_full_configuration(
                0.4,
                "llama-3.3-70b-instruct",
                instructions.REVIEW_TAGGER,
                pace=1.5,
                temperature=0,
                top_p=0.9,
                response_format=REVIEW_SCHEMA,
            ),
        ),
    ),
)
