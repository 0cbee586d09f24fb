"""The page on the query language: every field of the registry, and examples that lead to runs."""

from __future__ import annotations

import re
from html import unescape

from django.test import Client

from runs.models import Project
from runs.query import query_help

URL = "/p/default/language/"


def test_every_field_is_explained_with_examples_that_open_the_list(member_client: Client, project: Project) -> None:
    body = member_client.get(URL).content.decode()
    entries = (*query_help.SYNTAX_HELP, *query_help.VALUE_HELP, *query_help.build_field_help())
    heads = [re.sub(r"<[^>]*>", "", head) for head in re.findall(r'<th scope="row"[^>]*>(.*?)</th>', body)]
    assert [unescape(head) for head in heads] == [entry.syntax.replace("`", "") for entry in entries]
    links = [unescape(link) for link in re.findall(r'href="(/p/default/runs/\?q=[^"]*)"', body)]
    assert len(links) == sum(len(entry.examples) for entry in entries)
    assert all(member_client.get(link).status_code == 200 for link in links[:: len(links) // 6])


def test_the_query_field_and_a_refusal_lead_there(member_client: Client, project: Project) -> None:
    assert member_client.get("/p/default/runs/?q=(").content.decode().count(f'href="{URL}"') == 2


def test_it_asks_for_a_login(client: Client, project: Project) -> None:
    assert client.get(URL).status_code == 302
