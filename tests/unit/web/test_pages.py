"""Templates: no value is ever markup, and no template does what the browser is told not to allow."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment, nodes

import gateway.web
from gateway.locale import translator
from gateway.web.pages import ago, shown

TEMPLATES = sorted((Path(gateway.web.__file__).parent / "templates").glob("*.html"))
PAGE = '<p class="a {{ text }}">{{ text }}</p><a href="/x/{{ text }}">{{ text }}</a>'


class Seen(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.said = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, [name for name, _ in attrs]))

    def handle_data(self, data):
        self.said += data


@given(st.text() | st.text(alphabet="<>\"'&/= \x00\x1b\u202eonscript{}%"))
def test_whatever_text_it_is_the_page_keeps_its_shape(text):
    environment = Environment(autoescape=True, finalize=shown, loader=DictLoader({"p": PAGE}))
    seen = Seen()
    seen.feed(environment.get_template("p").render(text=text))
    seen.close()
    assert seen.tags == [("p", ["class"]), ("a", ["href"])]
    assert seen.said == shown(text) * 2
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", seen.said)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_switches_escaping_off_or_holds_script_or_style(path):
    text = path.read_text("utf-8")
    tree = Environment().parse(text)
    assert not [f.name for f in tree.find_all(nodes.Filter) if f.name in ("safe", "striptags")]
    assert not re.search(
        r"autoescape|Markup|<script|<style|<iframe|<svg|javascript:|\sstyle=|\son\w+=", text
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_value_in_a_tag_stands_in_quotes(path):
    text = re.sub(r"{%.*?%}|{#.*?#}", "", path.read_text("utf-8"), flags=re.DOTALL)
    values = re.sub(r"{{.*?}}", "\x01", text, flags=re.DOTALL)
    for tag in re.findall(r"<[a-zA-Z][^>]*>", values):
        assert "\x01" not in re.sub(r'"[^"]*"', '""', tag), tag


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_form_that_changes_something_has_a_token(path):
    text = path.read_text("utf-8")
    forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)".*?</form>', text, re.DOTALL)
    tokens = text.count('name="token"')
    assert len(re.findall("<form", text)) == len(forms), "a form that sends itself in the address"
    assert tokens == len([form for form in forms if form != "/login"])


def test_how_long_it_is_in_the_unit_a_person_would_use():
    _ = translator("fr")
    assert [ago(_, s) for s in (-5, 0, 59, 61, 7199, 7200, 172_799, 172_800)] == [
        "0 min", "0 min", "0 min", "1 min", "119 min", "2 h", "47 h", "2 jours",
    ]  # fmt: skip
