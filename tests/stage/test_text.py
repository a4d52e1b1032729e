"""Messages of pages: read, or refused by a MessageError in one sentence; nothing else is ever raised."""

from __future__ import annotations

import dataclasses
import json
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodydouble.stage import messages
from bodydouble.stage.text import LARGEST_TEXT, MessageError, read, written

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KINDS = {typing.get_args(typing.get_type_hints(kind)["kind"])[0]: kind for kind in messages.FROM_PAGE}
FIELDS = sorted({field.name for kind in messages.FROM_PAGE for field in dataclasses.fields(kind)})


def attempt(text: str) -> None:
    try:
        message = read(text)
    except MessageError as fault:
        assert str(fault)
        assert "\n" not in str(fault)
        assert len(str(fault)) < 1000
        json.dumps(fault.id)
    else:
        assert type(message) in messages.FROM_PAGE


@given(st.text(max_size=200))
def test_any_text_is_a_message_or_refused(text: str) -> None:
    attempt(text)


@given(JSON)
def test_any_json_is_a_message_or_refused(value: object) -> None:
    attempt(json.dumps(value))


@given(st.sampled_from(sorted(KINDS)), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6))
def test_any_fields_are_a_message_or_refused(kind: str, values: dict[str, object]) -> None:
    attempt(json.dumps({**values, "kind": kind}))


@given(st.data())
def test_a_message_comes_back_as_it_was_written(data: st.DataObject) -> None:
    kind = KINDS[data.draw(st.sampled_from(sorted(KINDS)))]
    values = {}
    plain = {
        int: st.integers(-(2**53), 2**53),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        str: st.text(st.characters(exclude_categories=["C", "Z"]), max_size=30),
    }
    for name, hint in typing.get_type_hints(kind).items():
        if name == "kind":
            values[name] = typing.get_args(hint)[0]
        elif name == "settings":
            values[name] = data.draw(st.dictionaries(plain[str], plain[str] | plain[float] | plain[bool], max_size=5))
        else:
            values[name] = data.draw(plain[hint])
    message = kind(**values)
    assert read(written(message)) == message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("[" * 50_000, "no JSON"),
        ("1" * 5_000, "no JSON"),
        ("NaN", "no JSON"),
        ('{"kind":"ping","sent":NaN}', "no JSON"),
        ('{"kind":"ping","sent":1e999}', "sent is"),
        ("[1,2]", "wanted an object"),
        ("{}", "no message of kind null"),
        ('{"kind":{"a":1}}', "no message of kind"),
        ('{"kind":"format_disk","id":4}', "wanted one of ping"),
        ('{"kind":"ping"}', "sent is missing"),
        ('{"kind":"ping","sent":"now"}', "wanted a number"),
        ('{"kind":"ping","sent":true}', "wanted a number"),
        ('{"kind":"refresh","id":1.5}', "wanted a whole number"),
        ('{"kind":"record","id":1,"on":1}', "wanted true or false"),
        ('{"kind":"ping","sent":1,"extra":2}', 'no field "extra"'),
        ('{"kind":"change","id":1,"settings":{"camera":["a"]}}', "wanted a text, a number"),
        ('{"kind":"change","id":1,"settings":{"camera":"a\\nb"}}', "wanted a text, a number"),
        ('{"kind":"change","id":1,"settings":' + json.dumps({str(i): 1 for i in range(99)}) + "}", "at most 64"),
        (json.dumps({"kind": "browser_camera", "on": True, "message": "x" * 3000}), "wanted a text"),
        ('{"kind":"ping","sent":1' + " " * LARGEST_TEXT + "}", "characters; at most"),
    ],
)
def test_refusals_say_why(text: str, words: str) -> None:
    with pytest.raises(MessageError, match=words.replace("[", r"\[")):
        read(text)


def test_the_number_of_a_refused_command_is_known() -> None:
    with pytest.raises(MessageError) as caught:
        read('{"kind":"record","id":17,"on":"yes"}')
    assert caught.value.id == 17
    with pytest.raises(MessageError) as caught:
        read('{"kind":"record","id":true,"on":true}')
    assert caught.value.id == 0


def test_numbers_that_json_has_not_are_written_as_zero() -> None:
    assert json.loads(written(messages.Pong("pong", float("nan"), float("inf")))) == {
        "kind": "pong",
        "sent": 0,
        "time": 0,
    }


def test_whole_numbers_are_taken_for_numbers() -> None:
    message = read('{"kind":"ping","sent":3}')
    assert isinstance(message, messages.Ping)
    assert isinstance(message.sent, float)
