"""Tests for rendered Markdown."""

from __future__ import annotations

import pytest

from dashboard.ui import markdown


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("# Title", "<h3>Title</h3>"),
        ("###### Deep", "<h6>Deep</h6>"),
        ("a **b** `c`", "<p>a <strong>b</strong> <code>c</code></p>"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
        ("3. three", '<ol start="3">\n<li>three</li>\n</ol>'),
        ("~~old~~", "<p><s>old</s></p>"),
    ],
)
def test_headings_are_demoted(source, html):
    assert markdown.render_markdown(source).strip() == html


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://tracker.example/pixel.png)",
        "<a href='javascript:alert(1)'>x</a>",
        "```html\n<script>alert(1)</script>\n```",
        '[x](https://a.example "onmouseover=alert(1)")',
        "<style>body{display:none}</style>",
    ],
)
def test_active_content_is_removed(source):
    html = markdown.render_markdown(source)
    for active in ("<script", "<img", "<style", 'href="javascript', 'href="data', "<a href='"):
        assert active not in html.lower()


def test_links_send_no_referrer():
    assert 'rel="noopener noreferrer nofollow"' in markdown.render_markdown("[x](https://a.example)")
