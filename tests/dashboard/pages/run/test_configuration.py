"""The configuration on the run page: settings, instructions, metadata, and changes between configurations."""

from __future__ import annotations

from django.test import Client

from runs.models import Project
from tests import factories
from tests.dashboard.pages.run.run_pages import open_run, texts_of

NOT_SENT = ...


def test_null_absent_zero_and_empty_differ(project: Project, member_client: Client) -> None:
    run = factories.run_object(
        temperature=0, top_p=NOT_SENT, max_prompt_tokens=None, reasoning_effort="low",
        instructions=NOT_SENT, metadata=[], tool_choice={"type": "function", "function": {"name": "find"}},
        truncation_strategy={"type": "last_messages", "last_messages": 0}, response_format={},
        parallel_tool_calls=False, tool_resources={},
    )  # fmt: skip
    factories.post(project, run)
    page = open_run(member_client, run)
    expected = {
        "temperature": "0",
        "top_p": "not sent",
        "max_prompt_tokens": "null",
        "reasoning_effort": "low",
        "tool_resources": "{}",
        "response_format": "{}",
        "parallel_tool_calls": "false",
    }
    configuration = page.region("Configuration")
    assert {name: configuration.definition(name).text for name in expected} == expected
    assert configuration.definition("tool_choice").text.startswith("function, find")
    assert configuration.definition("truncation_strategy").text == "last_messages, 0"
    assert page.region("Instructions").text == "Instructions not sent"
    assert page.region("Metadata").text == "Metadata Sent, but empty."


def test_response_schema_is_shown(project: Project, member_client: Client) -> None:
    schema = {"type": "object", "properties": {"reply": {"type": "string"}}}
    response_format = {"type": "json_schema", "json_schema": {"name": "reply_v2", "strict": True, "schema": schema}}
    run = factories.run_object(response_format=response_format)
    factories.post(project, run)
    setting = open_run(member_client, run).region("Configuration").definition("response_format")
    assert setting.text.startswith("json_schema, reply_v2, strict Schema, 1 property")


def test_instructions_are_markdown_and_plain_text(project: Project, member_client: Client) -> None:
    run = factories.run_object(instructions="# Returns\n\n- be **brief**")
    factories.post(project, run)
    instructions = open_run(member_client, run).region("Instructions")
    assert instructions.has("heading", "Returns")
    assert texts_of(instructions, "strong") == ["brief"]
    [plain] = [element for element in instructions.iterate() if element.tag == "pre"]
    assert plain.raw_text.strip("\n") == "# Returns\n\n- be **brief**"


def test_surrogates_and_nul_are_replaced(project: Project, member_client: Client) -> None:
    run = factories.run_object(instructions="a\ud800b\u0000")
    factories.post(project, run)
    assert "a\ufffdb\ufffd" in open_run(member_client, run).region("Instructions").text


def test_long_texts_are_truncated(project: Project, member_client: Client) -> None:
    run = factories.run_object(instructions="i" * 200_000, metadata={"k": "v" * 9000})
    factories.post(project, run)
    page = open_run(member_client, run)
    assert "Show the first 50,000 of 200,000 characters" in page.region("Instructions").text
    assert "Show all 9,000 characters" in page.region("Metadata").text


def test_configuration_change_is_fetched_on_demand(project: Project, member_client: Client) -> None:
    tools = [factories.function_tool("search_orders")]
    before = factories.run_object(instructions="Be brief.\nBe exact.", temperature=1, tools=tools)
    after = factories.run_object(instructions="Be brief.\nBe kind.", temperature=0.5, tools=tools)
    factories.post(project, before)
    factories.post(project, after)
    instructions = open_run(member_client, after).region("Instructions")
    [change] = [element for element in instructions.find_all("group") if element.get("id") == "change"]
    assert change.text.startswith("Configuration changed ")
    assert "UTC: instructions, temperature" in change.text
    assert texts_of(change, "del") == []
    assert "Configuration changed" not in open_run(member_client, before).text
    fragment = open_run(member_client, after, change.get("hx-get") or "", target="change")
    assert not fragment.has("main")
    assert texts_of(fragment, "del") == ["Be exact.", "1"]
    assert texts_of(fragment, "ins") == ["Be kind.", "0.5"]
    assert texts_of(fragment, "b") == ["exact", "kind"]
    assert "search_orders" not in fragment.text


def test_number_spelling_is_no_change(project: Project, member_client: Client) -> None:
    for temperature in (1, 1.0):
        run = factories.run_object(temperature=temperature)
        factories.post(project, run)
    assert "Configuration changed" not in open_run(member_client, run).text


def test_every_metadata_value_can_be_filtered_by(project: Project, member_client: Client) -> None:
    metadata = {"customer": "acme", 'odd "key"': 'a "b" \\ *, (c)', "empty": "", "日本": "-x OR y"}
    run, other = factories.run_object(metadata=metadata), factories.run_object(metadata={"customer": "other"})
    factories.post(project, run, other)
    links = open_run(member_client, run).region("Metadata").find_all("link")
    assert len(links) >= 6
    for only, without in zip(links[::2], links[1::2], strict=True):
        assert (only.text.split()[0], without.text.split()[0]) == ("Filter", "Exclude")
        listed = member_client.get(only.url).content.decode()
        assert run["id"] in listed, only
        assert other["id"] not in listed, only
        listed = member_client.get(without.url).content.decode()
        assert run["id"] not in listed, without
