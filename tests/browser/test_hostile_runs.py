"""Runs with hostile or very large contents in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page

from runs.models import Project, Run, User
from runs.team import comments, tags
from tests import factories
from tests.browser.conftest import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

ATTACKS = [
    "<script>window.harmed=1</script>",
    "</title></textarea></pre></script><script>window.harmed=1</script>",
    "\"><img src=x onerror='window.harmed=1'>",
    "'><svg/onload=window.harmed=1>",
    '" autofocus onfocus="window.harmed=1" x="',
    "<iframe srcdoc='<script>parent.harmed=1</script>'></iframe>",
    "[click](javascript:window.harmed=1) <a href=javascript:window.harmed=1>x</a>",
    "![x](https://spy.example/x.png) <img src=//spy.example/y.png>",
    "<div hx-get=/healthz hx-trigger=load hx-on:htmx:load=window.harmed=1>",
    "<base href=//spy.example/><meta http-equiv=refresh content='0;url=//spy.example/'>",
    "<style>*{display:none}</style><link rel=stylesheet href=//spy.example/z.css>",
    "{{ 7|add:7 }}{% debug %}<!-- \u2028",
]


def as_id(attack: str) -> str:
    """Return `attack` without the characters that ids must not contain."""
    return attack.replace("/", "|").replace("\u2028", "").strip()


def build_hostile_run(attack: str) -> dict[str, Any]:
    """A failed run with `attack` in every field that takes a text."""
    tool = factories.function_tool(attack, **{attack: {"type": "string", "description": attack}})
    tool["function"]["description"] = attack
    run = factories.failed_run(
        attack, attack, id=f"run {as_id(attack)}", thread_id=as_id(attack), assistant_id=as_id(attack)
    )
    fields = {"model": attack, "instructions": attack, "metadata": {attack: attack}, "tools": [tool, {"type": attack}]}
    vendor = {"vendor": {attack: [attack]}, attack: attack, "incomplete_details": {"reason": attack}}
    return run | fields | vendor | {"tool_choice": attack, "response_format": {"type": attack}}


def post_hostile_run(project: Project, member: User, attack: str) -> Run:
    posted = build_hostile_run(attack)
    assert not factories.post(project, posted | {"status": attack}, posted).errors
    call = factories.function_call(attack, json.dumps({attack: attack}), f"Error: {attack}")
    odd = {"id": attack, "type": attack, attack: {"output": attack}}
    steps = [
        factories.step_object(posted, call, odd, id=f"step {as_id(attack)}"),
        factories.step_object(posted, type=attack, status="failed", last_error={"code": attack, "message": attack}),
    ]
    assert not factories.post_steps(project, *steps).errors
    fields = {"thread_id": as_id(attack), "created_at": posted["created_at"]}
    factories.post_messages(
        project, factories.message_object(None, attack, **fields), factories.message_object(posted, attack, **fields)
    )
    run = Run.objects.get(pk=project.record_id(posted["id"]))
    comments.add_comment(run, member, attack)
    tags.add_tags(project, [run.pk], [attack.replace(",", " ")[:40]], member)
    factories.post_assistants(project, **{attack: f"name {attack}"})
    return run


def test_every_field_is_escaped(page: Page, live_server: Any, demo_project: Project, console: list[str]) -> None:
    member = User.objects.get(username="mira")
    sign_in(page, live_server.url, member)
    unwanted: list[str] = []
    page.on(
        "request", lambda request: None if request.url.startswith(live_server.url) else unwanted.append(request.url)
    )
    page.on("dialog", lambda dialog: unwanted.append(dialog.message))
    for attack in ATTACKS:
        run = post_hostile_run(demo_project, member, attack)
        at = f"{live_server.url}/p/default"
        compare_query = urlencode({"left": run.external_id, "right": "run_failed", "show": "all"})
        run_query = urlencode({"find": attack, "list": "status=failed"})
        for url in (
            f"{at}/runs/{quote(run.external_id, safe='')}/?{run_query}&full=timeline&full=change&from=0&to=1",
            f"{at}/threads/{quote(as_id(attack), safe='')}/",
            f"{at}/compare/?{compare_query}",
        ):
            page.goto(url)
            assert attack in (page.locator("body").text_content() or ""), url
            assert page.evaluate("window.harmed") is None, url
            assert not unwanted, url
    for path in ("runs/", "threads/"):
        page.goto(f"{live_server.url}/p/default/{path}")
        assert page.evaluate("window.harmed") is None, path
    assert not unwanted


@pytest.fixture
def huge_thread(demo_project: Project) -> Project:
    """A thread with runs whose texts are very long, very many, or right-to-left."""
    arabic, mixed = "مرحبا، أين طلبي رقم 48209؟ " * 20, "שלום (abc) 123 - <עולם> "
    chinese, broken = "订单已发货。预计明天送达。" * 40, "GrÃ¼ÃŸe aus MÃ¼nchen, dÃ©jÃ  vu â€œx " * 20
    tools = [factories.function_tool(f"{'a_rather_long_function_name_' * 2}{number}") for number in range(128)]
    metadata = {f"key_{number}_{'k' * 50}": "v" * 512 for number in range(16)}
    long_ids = {"id": "run_" + "x" * 250, "thread_id": "thread_" + "t" * 249, "assistant_id": "asst_" + "a" * 251}
    run = factories.failed_run(
        "c" * 300, broken, instructions=f"# {arabic}\n\n{chinese}\n\n```\n{'w' * 2000}\n```\n\n{mixed * 30}",
        tools=tools, metadata=metadata | {"عربي": arabic[:512], "中文": chinese[:512]}, model="m" * 200,
        usage={"prompt_tokens": 10**15, "completion_tokens": 10**15, "total_tokens": 2 * 10**15}, **long_ids,
    )  # fmt: skip
    rows = json.dumps({"rows": [{"id": number, "text": "z" * 60} for number in range(1100)]})
    outputs = (rows, "q" * 87_000, chinese * 40, f"Error: {arabic * 30}", mixed * 500)
    calls = [factories.function_call(f"{'n' * 150}{number}", rows[:5000], out) for number, out in enumerate(outputs)]
    assert len(rows) > 87_000
    other = factories.run_object(**long_ids | {"id": "run_other", "status": "s" * 256})
    assert not factories.post(demo_project, run, other).errors
    steps = [factories.step_object(run, call) for call in calls]
    assert not factories.post_steps(demo_project, *steps, factories.step_object(run, *calls, status="failed")).errors
    fields = {"thread_id": run["thread_id"], "created_at": run["created_at"]}
    for text in (arabic, chinese, broken, "W" * 9000, mixed):
        factories.post_messages(demo_project, factories.message_object(run, text, **fields))
    return demo_project


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_large_contents_fit_the_layout(
    page: Page, live_server: Any, huge_thread: Project, console: list[str], width: int, tmp_path: Path
) -> None:
    sign_in(page, live_server.url, User.objects.get(username="mira"))
    page.set_viewport_size({"width": width, "height": 900})
    run = Run.objects.filter(external_id__startswith="run_xxx").get()
    comments.add_comment(run, User.objects.get(username="mira"), "y" * 3000)
    paths = {
        "runs": "runs/",
        "run": f"runs/{run.external_id}/?full=timeline&full=tools&full=raw&find=text&list=status%3Dfailed",
        "thread": f"threads/{run.thread_id}/",
        "compare": f"compare/?left=run_other&right={run.external_id}&show=all",
        "threads": "threads/",
    }
    for name, path in paths.items():
        page.goto(f"{live_server.url}/p/default/{path}")
        page.evaluate("for (const details of document.querySelectorAll('main details')) details.open = true")
        page.wait_for_load_state("networkidle")
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        page.screenshot(path=tmp_path / f"{name}-{width}.png")
        assert page.evaluate(overflow) <= 0, (name, find_overflowing_elements(page))


def find_overflowing_elements(page: Page) -> list[str]:
    """Return the elements that reach beyond the right edge, for the message of a failure."""
    elements: list[str] = page.evaluate(
        """[...document.querySelectorAll("main *")].filter((element) =>
          element.getBoundingClientRect().right > innerWidth + 1
          && !element.closest(".scroll, pre, .side")).slice(0, 12).map((element) =>
          `${element.tagName}.${element.className} ${(element.textContent ?? "").slice(0, 40)}`)"""
    )
    return elements
