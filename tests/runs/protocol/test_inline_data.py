"""Data of images and files in JSON: found and described, whatever dialect writes it."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from runs.protocol.inline_data import describe_attachment, replace_inline_data

JPEG = base64.b64encode(b"\xff\xd8\xff" + bytes(2997)).decode()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "blob", "modality": "image", "mime_type": "image/jpeg", "content": JPEG},
            "image, image/jpeg, 3.0 kB",
        ),
        ({"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{JPEG}"}}, "image, image/jpeg, 3.0 kB"),
        ({"type": "input_image", "image_url": f"data:image/jpeg;base64,{JPEG}"}, "image, image/jpeg, 3.0 kB"),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": JPEG}},
            "image, image/gif, 3.0 kB",
        ),
        ({"inline_data": {"mime_type": "image/png", "data": JPEG}}, "attachment, image/png, 3.0 kB"),
        ({"type": "file", "mediaType": "text/plain", "data": "aGk="}, "file, text/plain, 3 bytes"),
        ({"type": "uri", "modality": "image", "uri": "https://example.com/a.png"}, "image, https://example.com/a.png"),
        ({"type": "input_file", "filename": "a.pdf", "file_data": JPEG}, "file, a.pdf, image/jpeg, 3.0 kB"),
        (
            {"type": "image", "image_url": {"media_type": "image/png", "encoded_bytes": 4000}},
            "image, image/png, 3.0 kB",
        ),
        ({}, "attachment"),
    ],
)
def test_attachment_is_described(part: dict[str, Any], expected: str) -> None:
    assert describe_attachment(part) == expected


def test_data_is_replaced_and_other_text_kept() -> None:
    value = {"a": [f"see ![x](data:image/jpeg;base64,{JPEG})", JPEG], "b": "word " * 300, "c": 1}
    replaced = replace_inline_data(value)
    assert replaced["a"] == ["see ![x]([image/jpeg, 3.0 kB])", "[image/jpeg, 3.0 kB]"]
    assert replaced["b"] == value["b"]
    assert replaced["c"] == 1
