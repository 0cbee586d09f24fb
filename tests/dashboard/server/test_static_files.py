"""Tests of the hashed names of static files."""

import re
from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles import finders

from dashboard.server.static_files import HashedStaticFilesStorage
from dashboard.templatetags import assets
from dashboard.web.assets import JOINED_STYLESHEET, STYLESHEETS, find_modules

# What each first visit loads beside the page: with headers and the run list of 20 kB, less than 90 kB.
MAX_FIRST_VISIT_BYTES = 52_500
LIBRARIES = ("django_htmx/htmx-2.min.js", "vendor/idiomorph/idiomorph-ext.min.js")


@pytest.fixture
def storage(tmp_path):
    storage = HashedStaticFilesStorage(location=tmp_path, base_url="/static/")
    files = {
        "js/main.js": 'import "./menus.js";\nimport { one } from "./one.js";\nconst load = () => import("./one.js");\n',
        **{name: f"/* {name} */\n" for name in STYLESHEETS},
        "js/menus.js": "const menus = 1;\n",
        "js/one.js": "export const one = 1;\n",
        "library/ext.js": "// example: import './nowhere.js';\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    outcome = list(storage.post_process({name: (storage, name) for name in files}))
    assert not [problem for _, _, problem in outcome if isinstance(problem, Exception)]
    return storage


def test_module_imports_have_hashed_names(storage, tmp_path):
    text = (tmp_path / storage.stored_name("js/main.js")).read_text()
    assert re.search(r'import "\./menus\.[0-9a-f]{12}\.js"', text)
    assert re.search(r'from "\./one\.[0-9a-f]{12}\.js"', text)
    assert re.search(r'import\("\./one\.[0-9a-f]{12}\.js"\)', text)


def test_stylesheets_are_joined_in_order(storage, tmp_path):
    text = (tmp_path / storage.stored_name(JOINED_STYLESHEET)).read_text()
    assert re.findall(r"/\* (.+) \*/", text) == list(STYLESHEETS)
    assert [path.stem.split(".")[0] for path in tmp_path.rglob("*.css")] == ["site"]


def test_collected_site_has_one_stylesheet(storage, monkeypatch):
    monkeypatch.setattr(assets, "staticfiles_storage", storage)
    assert assets.stylesheets().count("<link") == 1
    monkeypatch.undo()
    assert assets.stylesheets().count("<link") == len(STYLESHEETS)


def test_modules_are_preloaded_unless_imported_on_demand():
    preloads = assets.module_preloads("js/main.js")
    assert preloads.count("js/rows.js") == 1  # of keyboard.js and others
    assert "js/timeline.js" not in preloads


def test_comments_of_libraries_are_unchanged(storage, tmp_path):
    assert "'./nowhere.js'" in (tmp_path / storage.stored_name("library/ext.js")).read_text()


def test_uncollected_file_is_an_error(storage):
    with pytest.raises(ValueError, match="missing"):
        storage.stored_name("js/missing.js")


def test_names_are_plain_before_collection(tmp_path):
    assert HashedStaticFilesStorage(location=tmp_path, base_url="/static/").url("js/main.js") == "/static/js/main.js"


def test_first_visit_is_light():
    def read(*names: str) -> bytes:
        return b"\n".join(Path(str(finders.find(name))).read_bytes() for name in names)

    files = [read(*STYLESHEETS), *map(read, find_modules("js/main.js")), *map(read, LIBRARIES), read("js/boot.js")]
    assert sum(len(brotli.compress(file, quality=11)) for file in files) <= MAX_FIRST_VISIT_BYTES
