"""Every sentence for people has its French one, and says the same things."""

import ast
import re
import string
from pathlib import Path

from jinja2 import Environment, nodes

import gateway.locale
from gateway.locale import read, translator

ROOT = Path(gateway.locale.__file__).parents[2]
FRENCH = read(Path(gateway.locale.__file__).with_name("fr.po"))
SAYS = re.compile(r"\b(_|N_|plural)\s*\(")
FORMS = {e.id[0] if isinstance(e.id, tuple | list) else e.id: e for e in FRENCH if e.id}


def said_in(tree):
    """(text,) or (one, many) of every call of `_`, `_.plural` and `N_`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in ("_", "N_"):
            wanted = 1
        elif isinstance(called, ast.Attribute) and called.attr == "plural":
            wanted = 2
        else:
            continue
        found = tuple(filter(None, map(constant, node.args[:wanted])))
        if len(found) == wanted:
            yield found


def constant(node):
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "N_":
        node = node.args[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def said_in_template(tree):
    """As `said_in`, of a page of the console."""
    for node in tree.find_all(nodes.Call):
        called = node.node
        if isinstance(called, nodes.Name) and called.name == "_":
            wanted = 1
        elif isinstance(called, nodes.Getattr) and called.attr == "plural":
            wanted = 2
        else:
            continue
        found = tuple(a.value for a in node.args[:wanted] if isinstance(a, nodes.Const))
        if len(found) == wanted:
            yield found


def sources():
    for room in ("gateway", "printers"):
        for path in sorted((ROOT / room).rglob("*.py")):
            text = path.read_text("utf-8")
            if SAYS.search(text):
                yield from said_in(ast.parse(text))
        for path in sorted((ROOT / room).rglob("*.html")):
            yield from said_in_template(Environment().parse(path.read_text("utf-8")))


SAID = set(sources())
# `N_` around the first form of a plural shows up alone as well: the pair stands for it.
PLURAL = {found for found in SAID if len(found) == 2}
SINGULAR = {found[0] for found in SAID if len(found) == 1} - {one for one, _ in PLURAL}


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_the_code_speaks():
    assert len(SINGULAR) > 100
    assert PLURAL


def test_every_text_has_its_french():
    assert [text for text in sorted(SINGULAR) if text not in FORMS] == []
    assert [text for text in sorted(SINGULAR) if not FORMS[text].string] == []


def test_every_french_text_keeps_the_fields_of_the_english_one():
    both = [(text, FORMS[text].string) for text in sorted(SINGULAR & FORMS.keys())]
    assert [text for text, french in both if fields(french) != fields(text)] == []


def test_every_plural_has_all_its_french_forms():
    for one, many in sorted(PLURAL):
        entry = FORMS[one]
        assert entry.id == (one, many)
        assert len(entry.string) == FRENCH.num_plurals
        assert all(entry.string)
        assert all(fields(form) == fields(many) for form in entry.string)


def test_no_french_text_is_left_fuzzy():
    assert [text for text, entry in FORMS.items() if entry.fuzzy] == []


def test_the_catalogue_holds_nothing_that_nobody_says():
    said = SINGULAR | {one for one, _ in PLURAL}
    assert sorted(FORMS.keys() - said) == []


def test_french_takes_none_and_one_as_singular():
    _ = translator("fr")
    assert _.plural("{n} day", "{n} days", 0) == "0 jour"
    assert _.plural("{n} day", "{n} days", 1) == "1 jour"
    assert _.plural("{n} day", "{n} days", 2) == "2 jours"


def test_english_takes_only_one_as_singular():
    _ = translator("en")
    assert [_.plural("{n} day", "{n} days", n) for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]


def test_a_region_is_its_language():
    assert translator("fr-BE")("CRITICAL") == "CRITIQUE"
    assert translator("fr_FR")("CRITICAL") == "CRITIQUE"


def test_a_language_we_do_not_have_is_english():
    assert translator("../../etc/passwd")("CRITICAL") == "CRITICAL"
    assert translator("xx").language == "en"


def test_what_stands_in_a_field_is_never_a_template():
    _ = translator("fr")
    assert "{token}" in _("STATUS {code}", code="{token}")
