"""Error messages of servers get the templates and groups that they belong to."""

from __future__ import annotations

import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.enrichment.error_grouping import (
    ErrorSignature,
    build_error_signature,
    build_template,
    make_error_group_id,
    split_message,
    split_template,
)

PROJECT = UUID("00000000-0000-0000-0000-0000000000aa")
OTHER = UUID("00000000-0000-0000-0000-0000000000bb")

# The messages of each template: each must get this template and no other.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "Rate limit reached for <model> in organization <org> on tokens per min (TPM): Limit <n>, Used <n>, "
    "Requested <n>. Please try again in <time>.": (
        (
            "Rate limit reached for gpt-4o in organization org-8Zk2LmQpX0 on tokens per min (TPM): Limit 30000, Used "
            "29871, Requested 1204. Please try again in 2.15s."
        ),
        (
            "Rate limit reached for gpt-4o-mini-2024-07-18 in organization org-aa11BB22 on tokens per min (TPM): Limit "
            "200000, Used 199,310, Requested 9003. Please try again in 6h12m."
        ),
        (
            "Rate limit reached for o4-mini in organization org-aa11BB22 on tokens per min (TPM): Limit 450000, Used "
            "449310, Requested 900. Please try again in 180ms."
        ),
        (
            "Rate limit reached for ft:gpt-4o-mini-2024-07-18:acme-support:returns-v3:9aXk21Bq in organization "
            "org-aa11BB22 on tokens per min (TPM): Limit 1, Used 1, Requested 1. Please try again in 1m30.5s."
        ),
    ),
    "Rate limit reached for <model> on requests per min. Please try again in <time>.": (
        "Rate limit reached for gpt-4.1 on requests per min. Please try again in 880ms.",
        "Rate limit reached for my-deployment-7 on requests per min. Please try again in 20s.",
    ),
    "Rate limit reached for <model>: <n> used.": (
        "Rate limit reached for gpt-4o: 3 used.",
        "Rate limit reached for my-model/v2: 4,000 used.",
    ),
    "<id>: no answer to <id>, see <id>.": (
        "run_1: no answer to call_2, see req_3.",
        "run_8tRkV2mQ: no answer to call_aa1, see req_77.",
    ),
    "No more of function <tool>.": ("No more of function get_weather.", "No more of function mcp.search_docs."),
    "RemoteDisconnected('Remote end closed connection after <time>')": (
        "RemoteDisconnected('Remote end closed connection after 30 s')",
        "RemoteDisconnected('Remote end closed connection after 2 min')",
    ),
    "Error running tool: SyntaxError: invalid syntax (line <n>)": (
        "Error running tool: SyntaxError: invalid syntax (line 3)",
    ),
    "Error running tool: ZeroDivisionError: division by zero (line <n>)": (
        "Error running tool: ZeroDivisionError: division by zero (line 3)",
    ),
    "Thread <id> already has an active run <id>.": (
        "Thread thread_abc123DEF already has an active run run_xyz789GHI.",
        "Thread thread_1 already has an active run run_2.",
    ),
    'Tool call arguments could not be parsed: {"order": <value>, "lines": [<n>]}': (
        'Tool call arguments could not be parsed: {"order": "A-48209", "lines": [1,2,3]}',
        'Tool call arguments could not be parsed: {"order": "B-1", "lines": [7]}',
    ),
    "Invalid value: <value>. Supported values are: <value>.": (
        "Invalid value: 'foo'. Supported values are: 'low', 'medium', and 'high'.",
        "Invalid value: 'tiny'. Supported values are: 'low' and 'high'.",
    ),
    "CompletionUsage(completion_tokens=<n>, total_tokens=<n>)": (
        "CompletionUsage(completion_tokens=4096, total_tokens=5330)",
        "CompletionUsage(completion_tokens=16, total_tokens=31)",
    ),
    "Rate limit reached for requests": ("Rate limit reached for requests",),
    "Rate limit is exceeded. Try again in <time>.": (
        "Rate limit is exceeded. Try again in 24 seconds.",
        "Rate limit is exceeded. Try again in 1 second.",
    ),
    "Requests rate limit exceeded, please try again later. <id>": (
        "Requests rate limit exceeded, please try again later. 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
        "Requests rate limit exceeded, please try again later. 6EC0BD7F-11C0-43DA-975E-2A8AD9EBAE0B",
    ),
    "You exceeded your current quota, please check your plan and billing details. For more information on this "
    "error, read the docs: <url>.": (
        (
            "You exceeded your current quota, please check your plan and billing details. For more information on this "
            "error, read the docs: https://docs.example.com/guides/error-codes/api-errors."
        ),
        (
            "You exceeded your current quota, please check your plan and billing details. For more information on this "
            "error, read the docs: https://help.example.org/quota?plan=3#top."
        ),
    ),
    "The server had an error while processing your request, id <id>.": (
        "The server had an error while processing your request, id req_3f2c9a7be1d44f0c8a5be6f7a8123456.",
        "The server had an error while processing your request, id req_00000000000000000000000000000001.",
    ),
    "Sorry, something went wrong. The server had an error (request id <id>).": (
        "Sorry, something went wrong. The server had an error (request id 7f3e9d2a-4b1c-4e8f-9a6d-5c2b1e0f8a7d).",
        "Sorry, something went wrong.  The server had an error\n(request id req_9aXk21BqLm).",
    ),
    "Timed out after <time> while waiting for the model (attempt <n> of <n>).": (
        "Timed out after 12.5 s while waiting for the model (attempt 1 of 3).",
        "Timed out after 30 seconds while waiting for the model (attempt 3 of 3).",
        "Timed out after 1m30s while waiting for the model (attempt 2 of 10).",
    ),
    "Connection to <url> timed out after <time>.": (
        "Connection to https://search.acme.example/v1/query?q=boots timed out after 30 s.",
        "Connection to http://10.0.0.7:8080/ timed out after 300ms.",
    ),
    "Upstream connect error: connection reset after <n> bytes, request <id>.": (
        "Upstream connect error: connection reset after 1048576 bytes, request req_77aa.",
        "Upstream connect error: connection reset after 12 bytes, request req_c0ffee12.",
    ),
    "connect to <ip> failed: Connection refused": (
        "connect to 10.1.2.3:5432 failed: Connection refused",
        "connect to 192.168.0.255:443 failed: Connection refused",
        "connect to 2001:db8::8a2e:370:7334 failed: Connection refused",
    ),
    "Could not resolve host: <host>": (
        "Could not resolve host: api.search.acme.com",
        "Could not resolve host: ledger.default.svc:8443",
    ),
    "HTTPSConnectionPool(host=<value>, port=<n>): Max retries exceeded with url: <path>": (
        "HTTPSConnectionPool(host='api.acme.com', port=443): Max retries exceeded with url: /v1/chat/completions",
        "HTTPSConnectionPool(host='localhost', port=8000): Max retries exceeded with url: /embeddings",
    ),
    "Tool <value> returned HTTP 404 for operation <value> (request <id>).": (
        "Tool 'erp' returned HTTP 404 for operation 'getPurchaseOrder' (request 7f3e9d2a-4b1c-4e8f-9a6d-5c2b1e0f8a7d).",
        'Tool "ledger" returned HTTP 404 for operation "post" (request req_12345678).',
    ),
    "Tool <value> returned HTTP 500 for operation <value> (request <id>).": (
        "Tool 'erp' returned HTTP 500 for operation 'getPurchaseOrder' (request 7f3e9d2a-4b1c-4e8f-9a6d-5c2b1e0f8a7d).",
    ),
    "Error code: 429 - {'error': {'message': 'Rate limit reached for <model>. Please try again in <time>.', 'type': "
    "'tokens', 'param': None, 'code': 'rate_limit_exceeded'}}": (
        (
            "Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-4o. Please try again in 2s.', 'type': "
            "'tokens', 'param': None, 'code': 'rate_limit_exceeded'}}"
        ),
        (
            "Error code: 429 - {'error': {'message': 'Rate limit reached for o3-mini. Please try again in 410ms.', "
            "'type': 'tokens', 'param': None, 'code': 'rate_limit_exceeded'}}"
        ),
    ),
    "Error code: 429 - {'error': {'message': 'You exceeded your current quota.', 'type': 'insufficient_quota'}}": (
        "Error code: 429 - {'error': {'message': 'You exceeded your current quota.', 'type': 'insufficient_quota'}}",
    ),
    "Error code: 503 - Service Unavailable": ("Error code: 503 - Service Unavailable",),
    "upstream returned status 502": ("upstream returned status 502",),
    "upstream returned status 504": ("upstream returned status 504",),
    "worker process exited with code 137": ("worker process exited with code 137",),
    "worker process exited with code 1": ("worker process exited with code 1",),
    'Invalid prompt: messages with role "tool" must be a response to a preceding message with "tool_calls" '
    "(index <n>).": (
        (
            'Invalid prompt: messages with role "tool" must be a response to a preceding message with "tool_calls" '
            "(index 3)."
        ),
        (
            'Invalid prompt: messages with role "tool" must be a response to a preceding message with "tool_calls" '
            "(index 117)."
        ),
    ),
    'Invalid prompt: messages with role "user" must not be empty.': (
        'Invalid prompt: messages with role "user" must not be empty.',
    ),
    "Output of tool call <id> is not valid JSON: Expecting value: line <n> column <n> (char <n>).": (
        "Output of tool call call_Yk2LmQpX0aB is not valid JSON: Expecting value: line 1 column 1 (char 0).",
        "Output of tool call call_000000000000001 is not valid JSON: Expecting value: line 12 column 40 (char 811).",
    ),
    "Expected tool outputs for call_ids [<value>], got [<value>]": (
        "Expected tool outputs for call_ids ['call_a', 'call_b'], got ['call_a']",
        "Expected tool outputs for call_ids ['call_1', 'call_2', 'call_3'], got ['call_1', 'call_2']",
    ),
    "No tool output found for function call <id>.": (
        "No tool output found for function call call_Abc123Def456.",
        "No tool output found for function call call_abcdefghijklmnopqrstuvwx.",
    ),
    "the tool output for <id> exceeded the maximum length of <n> characters; first differing segment <hex> at <path>": (
        (
            "the tool output for call_8tRkq2Nd exceeded the maximum length of 32,768 characters; first differing "
            "segment deadbeef00112233 at /orders/3/lines/17"
        ),
        (
            "the tool output for call_1 exceeded the maximum length of 512000 characters; first differing segment "
            "00ff00ff00ff at /a/b.c"
        ),
    ),
    "This model's maximum context length is <n> tokens. However, your messages resulted in <n> tokens (<n> in the "
    "messages, <n> in the functions).": (
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens "
            "(130001 in the messages, 1071 in the functions)."
        ),
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 8,200 tokens "
            "(8000 in the messages, 200 in the functions)."
        ),
    ),
    "The model <model> does not exist or you do not have access to it.": (
        "The model `gpt-5-turbo` does not exist or you do not have access to it.",
        "The model `ft:gpt-3.5-turbo-0125:acme::9aXk21Bq` does not exist or you do not have access to it.",
    ),
    "Failed to resolve model info for: <model>": (
        "Failed to resolve model info for: gpt-4o-mini",
        "Failed to resolve model info for: llama-3.3-70b-instruct",
        "Failed to resolve model info for: deployment-eu-2",
    ),
    "Deployment <value> is not ready in region <value>.": (
        "Deployment 'chat-eu' is not ready in region 'westeurope'.",
        "Deployment 'chat-us' is not ready in region 'eastus2'.",
    ),
    "That model is currently overloaded with other requests.": (
        "That model is currently overloaded with other requests.",
    ),
    "Incorrect API key provided: <key>. You can find your API key at <url>.": (
        (
            "Incorrect API key provided: sk-proj-********************abcd. You can find your API key at "
            "https://keys.example.com."
        ),
        "Incorrect API key provided: sk-ab12**************wxyz. You can find your API key at https://keys.example.com.",
    ),
    "User <email> may not read <path>": (
        "User jane.doe+support@acme.example may not read /srv/contracts/2024/q3.pdf",
        "User bob@mail.acme.co.uk may not read /srv/a",
    ),
    "File <path> could not be read: unexpected end of file at byte <n>": (
        "File invoice-2026-04.pdf could not be read: unexpected end of file at byte 0",
        "File scan_17.PNG could not be read: unexpected end of file at byte 81920",
        r"File C:\Users\jane\scan.tif could not be read: unexpected end of file at byte 5",
    ),
    "Index <value> has no field named <value>. Correlation id: <id>": (
        "Index 'invoices-eu' has no field named 'amount_qx7k'. Correlation id: 7f3e9d2a-4b1c-4e8f-9a6d-5c2b1e0f8a7d",
        "Index 'orders' has no field named 'it's'. Correlation id: 00000000-4b1c-4e8f-9a6d-5c2b1e0f8a7d",
    ),
    "worker <id> did not answer within <time>": (
        "worker qx7k-3 did not answer within 31.25s",
        "worker a9bz-8 did not answer within 2 min",
    ),
    "worker-<n> is gone": ("worker-3 is gone", "worker-12 is gone"),
    "shard<n> of <n> is read only": ("shard7 of 12 is read only", "shard12 of 12 is read only"),
    "CUDA error on <value>: out of memory, tried to allocate <n> (GPU <n>; <n> total)": (
        'CUDA error on "eu-1": out of memory, tried to allocate 2.50 GiB (GPU 0; 79.15 GiB total)',
        'CUDA error on "us-22": out of memory, tried to allocate 20.00 MiB (GPU 7; 80 GB total)',
    ),
    "Segmentation fault at <hex>": ("Segmentation fault at 0x7ffe12ab", "Segmentation fault at 0x0"),
    "Certificate expired on <time>": (
        "Certificate expired on 2026-11-20T14:27:54Z",
        "Certificate expired on 2026-11-20 14:27:54.123+01:00",
        "Certificate expired on 20 Nov 2026",
        "Certificate expired on Nov 20, 2026",
        "Certificate expired on Fri, 20 Nov 2026 14:27:54 GMT",
        "Certificate expired on 2026-11-20",
    ),
    "Maintenance until <time>, sorry": ("Maintenance until 14:30, sorry", "Maintenance until 2:05 PM, sorry"),
    "Only <n> of the quota is left": ("Only 3.5 % of the quota is left", "Only 12% of the quota is left"),
    "Failed to run tool <tool>: the server closed the stream after <time>": (
        "Failed to run tool get_weather: the server closed the stream after 300 ms",
        "Failed to run tool lookupOrder: the server closed the stream after 1.2 seconds",
        "Failed to run tool mcp.search_docs: the server closed the stream after 4s",
    ),
    "tool calls are not supported here": ("tool calls are not supported here",),
    "Could not parse arguments of function <tool>": (
        "Could not parse arguments of function send_mail",
        "Could not parse arguments of function createTicket",
    ),
    "We couldn't process the user's request, it's too long": ("We couldn't process the user's request, it's too long",),
    "请求<n>失败": ("请求42失败", "请求7失败"),
    "Die Anfrage <value> schlug nach <time> fehl": (
        "Die Anfrage „a“ schlug nach 3 s fehl",
        "Die Anfrage «b c» schlug nach 12 min fehl",
    ),
    "The ipv6 address is not allowed, use utf-8 and sha256": ("The ipv6 address is not allowed, use utf-8 and sha256",),
    "The ipv4 address is not allowed, use utf-8 and sha256": ("The ipv4 address is not allowed, use utf-8 and sha256",),
    "Missing required parameter: 'tools'": ("Missing required parameter: 'tools'",),
    "Missing required parameter: 'messages'": ("Missing required parameter: 'messages'",),
    "Missing required parameter: <value>": (
        "Missing required parameter: 'messages[0].content'",
        "Missing required parameter: 'city'",
    ),
    "ValueError: invalid literal for int() with base <n>: <value>": (
        (
            "Traceback (most recent call last):\n"
            '  File "/srv/app/tools.py", line 17, in run\n'
            "    return int(value)\n"
            "           ^^^^^^^^^^\n"
            "ValueError: invalid literal for int() with base 10: 'twelve'\n"
        ),
        (
            "Traceback (most recent call last):\n"
            '  File "/opt/other.py", line 3, in <module>\n'
            "    main()\n"
            '  File "/opt/other.py", line 99, in main\n'
            "    int(text)\n"
            "ValueError: invalid literal for int() with base 16: 'x y'"
        ),
    ),
    "java.lang.IllegalStateException: Queue full Caused by: java.io.IOException: Broken pipe": (
        (
            "java.lang.IllegalStateException: Queue full\n\tat com.acme.Queue.put(Queue.java:41)\n"
            "\tat com.acme.Main.main(Main.java:7)\nCaused by: java.io.IOException: Broken pipe\n\t... 12 more\n"
        ),
        (
            "java.lang.IllegalStateException: Queue full\n\tat com.acme.Queue.add(Queue.java:40)\n"
            "Caused by: java.io.IOException: Broken pipe\n\t... 3 more\n"
        ),
    ),
    "TypeError: Cannot read properties of undefined (reading <value>)": (
        (
            "TypeError: Cannot read properties of undefined (reading 'length')\n    at run (/app/tools.js:10:5)\n"
            "    at async main (/app/main.js:1:1)"
        ),
        "TypeError: Cannot read properties of undefined (reading 'city')\n    at Object.<anonymous> (weather.ts:3:9)",
    ),
    "": ("", "   ", "\n"),
}
EVERY = [(message, expected) for expected, messages in TEMPLATES.items() for message in messages]


@pytest.mark.parametrize(("message", "expected"), EVERY)
def test_message_has_expected_template(message, expected):
    assert build_template(message) == expected


def test_table_has_enough_messages():
    assert len(EVERY) >= 60
    assert len({message for message, _ in EVERY}) == len(EVERY)


@pytest.mark.parametrize("message", [message for message, _ in EVERY])
def test_parts_join_to_message(message):
    assert "".join(part.text for part in split_message(message)) == message


def test_parts_tell_placeholders_from_text():
    assert [
        (part.text, part.kind) for part in split_message("Limit 30000 for gpt-4o, see 'a b'\n  at x.js:1\nby req_1a2b")
    ] == [
        ("Limit ", None),
        ("30000", "n"),
        (" for ", None),
        ("gpt-4o", "model"),
        (", see ", None),
        ("'a b'", "value"),
        ("\n", None),
        ("  at x.js:1\n", "trace"),
        ("by ", None),
        ("req_1a2b", "id"),
    ]


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_parts_join_to_template(template):
    assert "".join(f"<{part.kind}>" if part.kind else part.text for part in split_template(template)) == template


def test_unknown_angle_brackets_are_text():
    assert [(part.text, part.kind) for part in split_template("<n> of <b> at <module><path>")] == [
        ("", "n"),
        (" of <b> at <module>", None),
        ("", "path"),
    ]


@given(st.text(max_size=400))
def test_arbitrary_text_is_split_without_loss(message):
    assert "".join(part.text for part in split_message(message)) == message
    assert build_template(message) == " ".join(build_template(message).split())


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (
            ("failed", "server_error", "Sorry, 5 times", None, None),
            ErrorSignature("failed", "server_error", "Sorry, <n> times"),
        ),
        (("failed", None, None, None, None), ErrorSignature("failed", None, "")),
        (("failed", "", "", None, None), ErrorSignature("failed", None, "")),
        (("failed", "server_error", None, None, None), ErrorSignature("failed", "server_error", "")),
        (("failed", None, "boom", None, None), ErrorSignature("failed", None, "boom")),
        (
            ("failed", "Request req_1a2b3c failed after 3 tries", None, None, None),
            ErrorSignature("failed", "Request <id> failed after <n> tries", ""),
        ),
        (
            ("incomplete", None, None, "max_completion_tokens", None),
            ErrorSignature("incomplete", "max_completion_tokens", "Stopped at the limit of <n> completion tokens."),
        ),
        (
            ("incomplete", None, None, "max_prompt_tokens", None),
            ErrorSignature("incomplete", "max_prompt_tokens", "Stopped at the limit of <n> prompt tokens."),
        ),
        (
            ("incomplete", None, None, "content_filter", None),
            ErrorSignature("incomplete", "content_filter", "Stopped by the content filter."),
        ),
        (("incomplete", None, None, "moon phase", None), ErrorSignature("incomplete", "moon phase", "")),
        (("incomplete", None, None, None, None), ErrorSignature("incomplete", None, "")),
        (
            ("incomplete", "server_error", "cut at 7", "length", None),
            ErrorSignature("incomplete", "length", "cut at <n>"),
        ),
        (("expired", None, None, None, None), ErrorSignature("expired", "expired", "Expired before finishing.")),
        (("expired", None, None, None, []), ErrorSignature("expired", "expired", "Expired before finishing.")),
        (
            ("expired", None, None, None, ["get_weather", "book", "get_weather"]),
            ErrorSignature("expired", "expired", "No output of book, get_weather before it expired."),
        ),
        (
            ("expired", None, None, None, list("gfedcba")),
            ErrorSignature("expired", "expired", "No output of a, b, c, d, e and 2 more before it expired."),
        ),
        (("expired", "timeout", "after 600 s", None, ["a"]), ErrorSignature("expired", "timeout", "after <time>")),
        (("exploded", "x", None, None, None), ErrorSignature("exploded", "x", "")),
        (("exploded", None, "all 7 of them", None, None), ErrorSignature("exploded", None, "all <n> of them")),
        (("exploded", None, None, None, None), None),
        (("completed", None, None, None, None), None),
        (("completed", "server_error", "odd, but done", None, None), None),
        (("cancelled", "server_error", "stopped", None, None), None),
        (("in_progress", None, None, None, None), None),
        (("queued", "x", "y", None, None), None),
        (("requires_action", None, None, None, ["get_weather"]), None),
        (("cancelling", None, None, None, None), None),
    ],
)  # fmt: skip
def test_run_has_expected_signature(run, expected):
    assert build_error_signature(*run) == expected


def test_group_ids_differ_by_signature_and_namespace():
    groups = [
        ErrorSignature("failed", "a", "b"),
        ErrorSignature("failed", None, "b"),
        ErrorSignature("failed", "", "b"),
        ErrorSignature("incomplete", "a", "b"),
        ErrorSignature("failed", "a", "c"),
        ErrorSignature("failed", 'a", "b', ""),
    ]
    assert len({make_error_group_id(PROJECT, group) for group in groups}) == len(groups)
    assert make_error_group_id(PROJECT, groups[0]) == make_error_group_id(PROJECT, ErrorSignature("failed", "a", "b"))
    assert make_error_group_id(PROJECT, groups[0]) != make_error_group_id(OTHER, groups[0])
    assert make_error_group_id(PROJECT, ErrorSignature("failed", "a", "\ud800"))


def test_group_id_is_stable_within_version():
    assert (
        str(make_error_group_id(PROJECT, ErrorSignature("failed", "server_error", "Sorry")))
        == "7f8b8a95-f87a-5f37-8f9b-e8eaf80e0dac"
    )


def test_reworded_sentence_keeps_the_group():
    former = ErrorSignature("expired", "expired", "Not done before it expired.")
    current = build_error_signature("expired", None, None, None, None)
    assert current is not None
    assert current.template != former.template
    assert make_error_group_id(PROJECT, current) == make_error_group_id(PROJECT, former)


def test_template_of_long_message_is_truncated():
    found = build_template("Could not index the document: " + "lorem ipsum dolor " * 20_000)
    assert found.startswith("Could not index the document: lorem ipsum")
    assert len(found) <= 402
    assert found.endswith(" …")


def test_exception_at_end_of_traceback_is_kept():
    frames = "".join(f'  File "/srv/app/deep_{n}.py", line {n}, in call\n    deeper({n})\n' for n in range(3000))
    message = f"Traceback (most recent call last):\n{frames}RecursionError: maximum recursion depth exceeded\n"
    assert build_template(message) == "RecursionError: maximum recursion depth exceeded"
    assert [part.kind for part in split_message(message)].count("rest") == 1
    assert "".join(part.text for part in split_message(message)) == message


HOSTILE = [
    "'", '"', "`", "'a ", "\"a ", " 'a'b", "a", "1", "1.", "1:", "a1", "_", "a_", "-", "a-", "a.", "a:", "a@", "/",
    "/a", "/a ", "://", "a://", "1 ", "1s", "ab:", "::", "0x", "<n> ", "<n>, ", "{'message': '", "\n", "  at x\n",
    '  File "', "\t", "é", "\\", "model ", "tool a_", "run_", "*", "sk-a*", "C:\\", "。1", "\u2018", "\u201c", "\xab",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_parsing_time_is_linear(piece):
    message = piece * (300_000 // len(piece))
    begin = time.process_time()
    build_error_signature("failed", "server_error", message, None, None)
    assert time.process_time() - begin < 0.2
