"""Who may do what: every URL of the site, with every kind of caller.

A URL that is missing in the tables below fails `test_every_url_is_declared`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from runs.models import ApiKey, Comment, ErrorGroup, Membership, Project, Run, SavedView
from runs.query import RunFilters
from runs.responses import parse_item_page, store_conversation_items
from runs.team.api_keys import KEY_PREFIX_LENGTH, create_api_key
from runs.team.bulk_actions import BulkRequest, start_bulk_action
from runs.team.share_links import create_share_link
from tests import factories
from tests.endpoints import ARGUMENT
from tests.responses import post_responses, response_object
from tests.runs.team.test_deletion import find_rows, post_thread

# Method and least role, and the names of the URLs. Those of a project are hidden from everybody who is no member.
PAGES = """
GET share-link: shared-run shared-run-json
GET public: account_login healthz readyz favicon touch-icon touch-icon-precomposed
GET absent: oidc-start oidc-callback
GET machine: metrics
GET instance-admin: status status-json
POST public: account_login account_logout
GET signed-in: home account_change_password
POST signed-in: account_change_password
GET superuser: project-create
POST superuser: project-create
GET viewer: runs-otlp-jsonl
POST viewer: runs-otlp-jsonl
GET viewer: runs runs-json runs-jsonl runs-csv run-facets new-runs query-help query-completions tag-suggestions
GET viewer: metadata-key-options project-home
GET viewer: palette
GET viewer: saved-views saved-view-counts saved-view run run-json compare threads threads-json threads-csv thread
GET viewer: assistants assistants-json assistants-csv assistant tools tools-json tools-csv tool
GET viewer: actions actions-json actions-csv errors errors-json errors-csv error-group usage usage-json usage-csv
GET viewer: connect receiving-status prices
POST viewer: runs-json runs-jsonl runs-csv run-columns compare-selected-runs
GET member: run-share-links saved-view-edit change-matching-runs bulk-action import-files
POST member: review-selected-runs run-review
POST member: tag-selected-runs saved-views saved-view-edit saved-view-replace saved-view-delete run-tags run-comments
POST member: set-error-group-state error-group-comments change-error-groups
POST member: run-share-links share-link-revoke
POST member: assistant-rename change-matching-runs bulk-action bulk-action-cancel import-files
GET admin: sharing settings api-keys members audit-log retention
POST admin: delete-selected-runs thread-delete project-rename agent-key-update api-keys api-key-revoke
POST admin: api-key-replace request-limit-update connect-key-create members member-update
POST admin: prices price-delete retention sharing-update share-links-revoke
"""
# Method and scope, and the routes below a prefix. `absent` routes answer 404.
API = """
GET public: schema docs
GET read: runs runs/{run_id} runs/{run_id}/steps runs/{run_id}/history runs/{run_id}/history/{n} usage
GET read: runs/{run_id}/steps/{step_id}/history runs/{run_id}/steps/{step_id}/history/{n}
GET read: error_groups error_groups/{group_id}
PATCH triage: error_groups error_groups/{group_id}
GET read: runs/{run_id}/linked_runs messages/{message_id}/history messages/{message_id}/history/{n}
POST ingest: runs steps events messages assistants responses conversations
POST ingest: responses/{response_id}/input_items conversations/{conversation_id}/items
DELETE delete: runs/{run_id} threads/{thread_id}
GET absent: {path} /
"""
OTLP_API = """
POST ingest: traces traces/ingest logs metrics
"""
COMPAT_API = """
GET read: threads threads/{thread_id} threads/{thread_id}/runs threads/{thread_id}/runs/{run_id}
GET read: threads/{thread_id}/runs/{run_id}/steps threads/{thread_id}/runs/{run_id}/steps/{step_id}
GET read: responses/{response_id} responses/{response_id}/input_items conversations/{conversation_id}
GET read: conversations/{conversation_id}/items conversations/{conversation_id}/items/{item_id}
GET read: threads/{thread_id}/messages threads/{thread_id}/messages/{message_id}
GET read-absent: {unknown_path} /
"""
MCP = "POST read: mcp"
COMPAT_PREFIXES = ("v1/", "openai/v1/", "openai/", "api/projects/{project_name}/")
# What keys with a query can read: the runs that match, nothing else.
OPEN_TO_KEYS_WITH_QUERY = {"api/v1/runs", "api/v1/runs/{run_id}", "api/v1/runs/{run_id}/steps", "api/v1/usage"} | {
    f"{prefix}threads/{{thread_id}}/runs{path}"
    for prefix in COMPAT_PREFIXES
    for path in ("", "/{run_id}", "/{run_id}/steps", "/{run_id}/steps/{step_id}")
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES = ("public", "signed-in", "viewer", "member", "admin")
WITHOUT_ACCOUNT = ("anonymous", "share link")
OURS, THEIRS = "ours", "theirs"
# What only the content of the other project contains; ids are part of messages such as "No run 'run_theirs'".
THEIR_TEXTS = (b"Address theirs", b"Error of theirs", b"I am theirs", b"Output for theirs", b"About theirs")


def parse_table(table: str, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Return the URLs of a table, each with a method and what the method requires."""
    for line in table.strip().splitlines():
        rule, names = line.split(": ")
        method, requirement = rule.split()
        for name in names.split():
            yield prefix + name.removeprefix("/"), method, requirement


def collect_access() -> dict[str, dict[str, str]]:
    """Return what each declared URL requires, by method."""
    access: dict[str, dict[str, str]] = {}
    tables = [parse_table(PAGES), parse_table(API, "api/v1/"), parse_table(MCP), parse_table(OTLP_API, "v1/")]
    tables += [parse_table(COMPAT_API, prefix) for prefix in COMPAT_PREFIXES]
    for table in tables:
        for name, method, requirement in table:
            access.setdefault(name, {})[method] = requirement
    return access


def iterate_urls(patterns: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name in the tables and the route of every URL: API paths have no names there, but templates."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from iterate_urls(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            template = ARGUMENT.sub(lambda argument: f"{{{argument[1]}}}", route)
            is_api = template.startswith(("api/", "v1/", "openai/"))
            yield template if is_api or not pattern.name else pattern.name, route


ACCESS = collect_access()
URLS = dict(iterate_urls(get_resolver().url_patterns))
API_NAMES = sorted(name for name in URLS if "/" in name or name == "mcp")
PAGE_NAMES = sorted(URLS.keys() - set(API_NAMES))


@dataclass
class Site:
    """Two projects with a record of every kind, the values of all arguments of URLs, and the callers."""

    project: Project
    values: Mapping[str, str]
    users: Mapping[str, Client]
    keys: Mapping[str, str]

    def path(self, name: str, **others: str) -> str:
        values = {**self.values, **others}
        return "/" + ARGUMENT.sub(lambda argument: values[argument[1]], URLS[name])


def store_records(project: Project, name: str) -> dict[str, str]:
    """Store a record of every kind, and return the arguments of URLs and the fields of forms that name them."""
    posted = post_thread(project, name)
    member = factories.make_user(project, "member", name=f"member of {name}")
    view = factories.make_saved_view(project, member, name, shared=True)
    key = ApiKey.objects.get(prefix=factories.make_key(project)[:KEY_PREFIX_LENGTH])
    link, token = create_share_link(project, Run.objects.get(external_id=posted["id"]), member, timedelta(days=7))
    item = {"id": f"msg_in_{name}", "type": "message", "role": "user", "content": f"I am {name}"}
    post_responses(project, response_object(id=f"resp_{name}", conversation=f"conv_{name}"))
    store_conversation_items(project, f"conv_{name}", parse_item_page(json.dumps([item]).encode()))
    return {
        "run_id": posted["id"], "thread_id": posted["thread_id"], "assistant_id": posted["assistant_id"],
        "step_id": f"step_{name}", "message_id": f"msg_{name}", "tool_type": "function", "tool_name": name, "n": "0",
        "group_id": str(ErrorGroup.objects.filter(runs__isnull=False, project=project)[0].pk), "number": str(view.pk),
        "bulk_number": str(start_bulk_action(project, member, "", BulkRequest(RunFilters(), "add_tags", ("seen",))).pk),
        "link_number": str(link.pk), "token": token, "key_id": str(key.pk), "run": str(project.record_id(posted["id"])),
        "membership_id": str(Membership.objects.get(user=member).pk),
        "comment": str(Comment.objects.get(run__project=project).id),
        "response_id": f"resp_{name}", "conversation_id": f"conv_{name}", "item_id": f"msg_in_{name}",
        "project_name": "any", "path": "nowhere", "unknown_path": "nowhere",
    }  # fmt: skip


def sign_in(user: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def site(project: Project) -> Site:
    other = factories.make_project("other")
    values = {"project": "default", **store_records(project, OURS)}
    users = {role: sign_in(factories.make_user(project, role, name=role)) for role in ("viewer", "admin")}
    outsider, superuser = factories.make_user(), factories.make_user(name="root")
    superuser.is_superuser = True
    superuser.save()
    users |= {
        "member": sign_in(SavedView.objects.get().owner),
        "anonymous": Client(raise_request_exception=False),
        "outsider": sign_in(outsider),
        "superuser": sign_in(superuser),
        "share link": Client(raise_request_exception=False),
        "admin of another project": sign_in(factories.make_user(other, "admin")),
    }
    assert users["share link"].get(f"/shared/{values['token']}/").cookies  # a link opens its own addresses only
    keys = {scope: factories.make_key(project, scope) for scope in ApiKey.Scope.values}
    keys |= {"all": factories.make_key(project), "foreign": factories.make_key(other), "unknown": "rg_unknown"}
    keys["query"] = create_api_key(project, "query", ["read"], query=f"id:{values['run_id']}")
    keys["query without matches"] = create_api_key(project, "query", ["read"], query="id:run_none")
    keys["revoked"] = factories.make_key(project)
    ApiKey.objects.filter(prefix=keys["revoked"][:KEY_PREFIX_LENGTH]).update(revoked_at=timezone.now())
    return Site(project, values, users, keys)


def send(client: Client, method: str, path: str, secret: str = "", **form: str) -> Any:
    """Send a request, and read the whole response."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    content_type = "application/x-www-form-urlencoded" if form else "application/json"
    response = client.generic(method, path, urlencode(form), content_type=content_type, headers=headers)
    response.body = b"".join(response.streaming_content) if response.streaming else response.content
    return response


def try_request(client: Client, method: str, path: str, secret: str = "", **form: str) -> Any:
    """Send a request, and undo what it did."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        response = send(client, method, path, secret, **form)
        transaction.set_rollback(True)
    client.cookies = cookies
    return response


def summarize(response: Any) -> str:
    """Return what a response means for access."""
    if response.status_code == 302 and response["Location"].startswith("/login/"):
        return "302 to login"
    return "allowed" if response.status_code in (200, 201, 204, 302, 400, 422) else str(response.status_code)


def expected_of_user(requirement: str, caller: str) -> str:
    if requirement == "absent":  # no identity provider is set
        return "404"
    if requirement == "share-link":
        return "allowed"
    if requirement == "machine":  # the clients of these tests name another host
        return "403"
    if requirement == "instance-admin" and caller not in WITHOUT_ACCOUNT:
        return "allowed" if caller in ("superuser", "admin") else "403"
    if requirement in ("superuser", "instance-admin"):
        return "302 to login" if caller in WITHOUT_ACCOUNT else "allowed" if caller == "superuser" else "403"
    role = "public" if caller in WITHOUT_ACCOUNT else caller if caller in ROLES else "signed-in"
    if ROLES.index(role) >= ROLES.index(requirement):
        return "allowed"
    if role == "public":
        return "302 to login"
    return "403" if role in ("viewer", "member") else "404"


def expected_of_key(requirement: str, caller: str, name: str) -> str:
    scope, _, absent = requirement.partition("-")
    if scope == "public":
        return "allowed"
    if scope == "absent":
        return "404"
    if caller in ("none", "unknown", "revoked", "session"):
        return "401"
    if caller.startswith("query"):
        if scope != "read" or name not in OPEN_TO_KEYS_WITH_QUERY:
            return "403"
        return "404" if caller == "query without matches" and "_id}" in name else "allowed"
    if caller not in ("all", "foreign", scope):
        return "403"
    return "404" if absent else "allowed"


def test_every_url_is_declared() -> None:
    assert URLS.keys() == ACCESS.keys()


@pytest.mark.parametrize("names", [PAGE_NAMES[start::4] for start in range(4)], ids=range(4))
def test_pages_require_their_role(site: Site, names: list[str]) -> None:
    wrong = []
    for name in names:
        for method in METHODS:
            requirement = ACCESS[name].get(method)
            for caller, client in site.users.items():
                # the sign-in page leads a signed-in user on, whatever the method
                if requirement is None and caller != ("anonymous" if name == "account_login" else "admin"):
                    continue
                result = summarize(try_request(client, method, site.path(name), role="member"))
                expected = expected_of_user(requirement, caller) if requirement else "405"
                if result != expected and not (name == "account_logout" and result == "302 to login"):
                    wrong.append(f"{method} {name} as {caller}: {result}, expected {expected}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("names", [API_NAMES[start::4] for start in range(4)], ids=range(4))
def test_api_requires_a_scope(site: Site, names: list[str]) -> None:
    wrong = []
    callers = {"none": "", "session": "", **site.keys}
    for name in names:
        for method in METHODS:
            requirement = ACCESS[name].get(method)
            for caller, secret in callers.items():
                if requirement is None and caller != "all":
                    continue
                client = site.users["admin" if caller == "session" else "anonymous"]
                response = try_request(client, method, site.path(name), secret)
                result = summarize(response)
                expected = expected_of_key(requirement, caller, name) if requirement else "405"
                is_foreign_object = (
                    caller == "foreign" and "_id}" in name and expected == "allowed" and method != "POST"
                )
                if requirement is None and "absent" in ACCESS[name].get("GET", ""):
                    expected = "404" if name.startswith("api/v1/") else "405"
                if result != ("404" if is_foreign_object else expected):
                    wrong.append(f"{method} {name} with {caller}: {result}, expected {expected}")
                if caller in ("foreign", "query without matches") and b"Address ours" in response.body:
                    wrong.append(f"{method} {name} shows another project")
    assert not wrong, "\n".join(wrong)


def test_ids_of_other_projects_have_no_effect(site: Site) -> None:
    other = Project.objects.get(slug="other")
    theirs = store_records(other, THEIRS)

    def find_their_rows() -> list[str]:
        return [row for row in find_rows(THEIRS) if f'"project_id":{other.pk},' in row or "comment:" in row]

    before = find_their_rows()
    form = {
        "run": theirs["run"], "comment": theirs["comment"], "confirm": "delete", "do": "add", "tag": "stolen",
        "action": "delete", "text": "stolen", "name": "stolen", "role": "remove", "state": "resolved",
        "model": "stolen", "query": "", "remove": THEIRS,
    }  # fmt: skip
    for name in (name for name in PAGE_NAMES if "share-link" not in ACCESS[name].values()):
        is_named = any(argument in theirs for argument in ARGUMENT.findall(URLS[name]))
        for method in ACCESS[name].keys() & {"GET", "POST"} - ({"POST"} if name == "account_logout" else set()):
            # their ids in the path, and in the form
            for values in (theirs, {}) if method == "POST" else (theirs,):
                with transaction.atomic():
                    fields = form if method == "POST" else {}
                    response = send(site.users["admin"], method, site.path(name, **values), **fields)
                    assert method == "GET" or find_their_rows() == before, name
                    transaction.set_rollback(True)
                assert response.status_code < 500, (name, response.status_code)
                assert not any(text in response.body for text in THEIR_TEXTS), name
                assert response.status_code == 404 or not (values and is_named), name
