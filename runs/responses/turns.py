"""Turns: the responses from a question to its answer, between which the client only answers calls.

B continues A's turn if A ends with calls that the client has to answer, and B names A as its previous response, or is
the next one in A's conversation. The API refuses to go on otherwise. Of two that continue one, the later one begins a
turn: a fork.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise

from django.db.models import Q

from runs.models import Project, Response
from runs.responses.links import ResponseLink, fetch_links

Links = dict[str, ResponseLink]


def load_turns(project: Project, response_ids: Collection[str]) -> list[list[ResponseLink]]:
    """Return all turns that the responses with those ids belong to, or change as neighbours.

    Only links of these turns are read, whatever the length of the thread.
    """
    links = _load_neighbours(project, response_ids)
    run_ids = {link.run_external_id for link in links.values() if link.run_external_id}
    links |= fetch_links(Response.objects.of_runs(project, run_ids))
    open_ids = [link.external_id for link in links.values() if link.is_open]
    continuations = fetch_links(Response.objects.in_project(project).filter(previous_response_id__in=open_ids))
    return join_turns(links, continuations)


def join_turns(
    links: Mapping[str, ResponseLink], continuations: Mapping[str, ResponseLink]
) -> list[list[ResponseLink]]:
    """Join responses into turns, each in order.

    `continuations` are all that name an open response as previous one: the first of each decides on a fork.
    """
    first: Links = {}
    for link in sorted([*links.values(), *continuations.values()], key=lambda link: link.order):
        if link.previous_response_id:
            first.setdefault(link.previous_response_id, link)
    next_ids = {
        name: link.external_id
        for name, link in first.items()
        if name in links and links[name].is_open and link.external_id in links
    }
    next_ids.update(_find_next_in_conversations(links.values()))
    later = set(next_ids.values())
    return [list(_follow_turn(link, links, next_ids)) for name, link in links.items() if name not in later]


def _find_next_in_conversations(links: Iterable[ResponseLink]) -> Iterator[tuple[str, str]]:
    in_order = sorted(
        (link for link in links if link.conversation_id and not link.previous_response_id),
        key=lambda link: (link.conversation_id, link.order),
    )
    for link, following in pairwise(in_order):
        if link.is_open and link.conversation_id == following.conversation_id:
            yield link.external_id, following.external_id


def _follow_turn(
    link: ResponseLink, links: Mapping[str, ResponseLink], next_ids: Mapping[str, str]
) -> Iterator[ResponseLink]:
    yield link
    while (next_id := next_ids.get(link.external_id)) is not None:
        link = links[next_id]
        yield link


def _load_neighbours(project: Project, response_ids: Collection[str]) -> Links:
    """Return the links of responses, of those before and after them, and of the others that continue these."""
    responses = Response.objects.in_project(project)
    own = fetch_links(Response.objects.with_external_ids(project, response_ids))
    previous = {link.previous_response_id for link in own.values() if link.previous_response_id}
    links = own | fetch_links(Response.objects.with_external_ids(project, previous))
    links |= fetch_links(responses.filter(previous_response_id__in=[*response_ids, *previous]))
    for conversation_id in {link.conversation_id for link in own.values() if link.conversation_id}:
        links |= _load_conversation_part(
            project, conversation_id, [link for link in own.values() if link.conversation_id == conversation_id]
        )
    return links


def _load_conversation_part(project: Project, conversation_id: str, links: Collection[ResponseLink]) -> Links:
    """Return the responses of a conversation from the one before the first of `links` to the one after the last."""
    responses = Response.objects.in_conversation(project, conversation_id)
    begin, end = min(link.created_at for link in links), max(link.created_at for link in links)
    earlier = (
        responses.filter(created_at__lt=begin).order_by("-created_at").values_list("created_at", flat=True).first()
    )
    later = responses.filter(created_at__gt=end).values_list("created_at", flat=True).first()
    # all of a second, since several may have the same time
    part = Q(created_at__gte=earlier or begin, created_at__lte=later or end)
    return fetch_links(responses.filter(part))
