"""Tests of compressed pages."""

from __future__ import annotations

import gzip

import brotli
import pytest
from django.http import HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from dashboard.web.compression_middleware import MAX_PADDING_BYTES, CompressionMiddleware, choose_encoding
from runs.models import Project
from tests import factories

PAGE = "<p>A page</p>" * 200


def respond(response: HttpResponseBase, accepted: str = "gzip, br") -> HttpResponseBase:
    request = RequestFactory().get("/", headers={"Accept-Encoding": accepted})
    return CompressionMiddleware(lambda _: response)(request)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP;q=1.0 , BR; q=0.5", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000, gzip;q=0.0", None),
        ("identity", None),
        ("*", None),
        ("brotli, x-gzip", None),
        ("", None),
    ],
)
def test_best_accepted_encoding_is_chosen(accepted: str, encoding: str | None) -> None:
    assert choose_encoding(accepted) == encoding


@pytest.mark.parametrize(("encoding", "decompress"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
def test_page_is_compressed(encoding: str, decompress: object) -> None:
    response = respond(HttpResponse(PAGE), encoding)
    assert isinstance(response, HttpResponse)
    assert callable(decompress)
    assert decompress(response.content) == PAGE.encode()
    assert response["Content-Encoding"] == encoding
    assert int(response["Content-Length"]) == len(response.content) < len(PAGE) / 5


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse("<p>short</p>"),
        HttpResponse(PAGE, content_type="text/plain"),
        JsonResponse({"a": PAGE}),
        StreamingHttpResponse([PAGE]),
        HttpResponse(PAGE, headers={"Content-Encoding": "zstd"}),
    ],
)
def test_other_responses_are_unchanged(response: HttpResponseBase) -> None:
    before = dict(response.headers)
    assert dict(respond(response).headers) == before


def test_caches_tell_encodings_apart() -> None:
    assert respond(HttpResponse(PAGE), "identity")["Vary"] == "Accept-Encoding"


def test_length_of_a_page_varies() -> None:
    lengths = {len(respond(HttpResponse(PAGE))["X-Padding"]) for _ in range(50)}
    assert len(lengths) > 5
    assert max(lengths) < MAX_PADDING_BYTES


@pytest.mark.django_db
def test_run_list_of_50_runs_is_small(client: Client) -> None:
    project: Project = factories.make_project()
    client.force_login(factories.make_user(project))
    runs = [factories.run_object(created_at=factories.NOW - 60 * number) for number in range(60)]
    assert not factories.post(project, *runs).errors
    response = client.get("/p/default/runs/", headers={"Accept-Encoding": "gzip, br"})
    assert len(response.content) < 15_000
    assert len(brotli.decompress(response.content)) > 80_000
