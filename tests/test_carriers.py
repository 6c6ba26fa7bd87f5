"""Names and carriers of charging states."""

import pytest

from spq.carriers import NAMES, State, default_states, parse_state
from spq.errors import InputError

TABLE = {
    "X@1": "e1 h1",
    "X-@1": "e1 e1 h1",
    "X+@1": "e1 h1 h1",
    "XX@1": "e1 e1 h1 h1",
    "X2-@1": "e1 e1 e1 h1",
    "X2+@1": "e1 h1 h1 h1",
    "segX-@1": "e1 h1 e2",
    "segT@1": "e1 e1 h1 e2",
    "segX+@1": "e1 h1 h2",
    "segXX@1": "e1 h1 e2 h2",
}


def test_the_table_names_every_state():
    assert {name.split("@")[0] for name in TABLE} == set(NAMES)


@pytest.mark.parametrize(("name", "carriers"), TABLE.items())
def test_both_spellings_mean_the_same(name, carriers):
    state = parse_state(name, 2)
    assert (state.name, state.carriers) == (name, carriers)
    assert parse_state(f"{carriers} @1", 2) == state
    assert parse_state(state.carriers + "@1", 2).name == name
    swapped = parse_state(name.replace("@1", "@2"), 2)
    assert swapped.carriers == carriers.translate(str.maketrans("12", "21"))
    assert swapped.emitter == 2


def test_order_of_the_carriers_does_not_matter():
    state = parse_state("  e2 h1   e1 e1 ", 2)
    assert state == State((1, 1, 2), (1,), 1) == State((2, 1, 1), (1,), 1)
    assert state.name == str(state) == "segT@1"


@pytest.mark.parametrize(
    ("text", "electrons", "holes"),
    [
        ("X@1", (), ()),
        ("segT@1", (1, 2), ()),
        ("segT@2", (1, 2), ()),
        ("segXX@1", (2,), (2,)),
        ("XX@2", (2,), (2,)),
        ("X2+@1", (), (1, 1)),
    ],
)
def test_final_state(text, electrons, holes):
    assert parse_state(text, 2).final == (electrons, holes)


def test_states_without_a_name_are_called_by_their_carriers():
    assert parse_state("e2 e1 h2 e1", 2).name == "e2 h2 e1 e1 @2"
    assert parse_state("e1 h1 e2 e2 h2 @2", 2).name == "e2 e2 h2 e1 h1 @2"


def test_more_than_two_dots_are_written_by_carriers():
    state = parse_state("e1 h1 e2 @1", 3)
    assert state.name == "e1 h1 e2 @1"
    assert parse_state(state.name, 3) == state
    assert parse_state("e1 h1 e2 @1", 2).name == "segX-@1"
    assert parse_state("e3 h3 h3", 3).name == "X+@3"
    with pytest.raises(InputError, match=r"segT needs exactly two dots; .*e1 h1 e3 @1"):
        parse_state("segT@1", 3)
    with pytest.raises(InputError, match="segT needs exactly two dots"):
        parse_state("segT@1", 1)


def test_the_emitter_may_be_left_out_only_where_it_is_clear():
    assert parse_state("e2 h2 e1", 2).emitter == 2
    assert parse_state("X-", 1).name == "X-@1"
    for text, message in {
        "e1 h1 e2 h2": "several dots can emit; add one of @1, @2",
        "e1 h2": "no dot holds both",
        "X-": r"which dot emits\? write X-@1",
    }.items():
        with pytest.raises(InputError, match=message):
            parse_state(text, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X@3", "no dot 3, only 1 to 2"),
        ("X@0", "no dot 0"),
        ("e3 h3", "e3: there is no dot 3, only 1 to 2"),
        ("e0 h0", "must be >= 1"),
        ("e1 e1 e1 e1 h1", "4 carriers e1: at most 3"),
        ("e1 h1 h1 h1 h1", "4 carriers h1: at most 3"),
        ("e1 h1 e2 @2", "dot 2 holds no hole"),
        ("e1 h1 h2 @2", "dot 2 holds no electron"),
        ("X@", "number of the emitting dot"),
        ("X@1@2", "number of the emitting dot"),
        ("segt@1", r'nearest: "segT"'),
        ("p1 h1", "must be one of X, X-"),
        ("@1", "must be one of"),
        ("", "must be text"),
        (None, "must be text"),
        (1, "must be text"),
    ],
)
def test_wrong_states(text, message):
    with pytest.raises(InputError, match=message):
        parse_state(text, 2)


def test_default_states():
    assert [s.name for s in default_states(1)] == ["X@1", "X-@1", "X+@1", "XX@1"]
    two = ["X@1", "segX-@1", "segT@1", "X@2", "X-@2", "segT@2"]
    assert [s.name for s in default_states(2)] == two
    assert [s.name for s in default_states(4)] == ["X@1", "X@2", "X@3", "X@4"]
