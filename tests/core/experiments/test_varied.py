"""Settings to vary, as they are typed."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.experiments.varied import (
    Listed,
    Searched,
    can_be_varied,
    check_varied,
    combinations,
    count_combinations,
    parse_varied,
    shown,
)


def test_values_are_those_that_were_typed() -> None:
    assert parse_varied("hidden_size=64,128,256") == Listed(name="hidden_size", values=(64, 128, 256))
    assert parse_varied("cell = lstm, gru") == Listed(name="cell", values=("lstm", "gru"))
    assert parse_varied("learning-rate=1e-3") == Listed(name="learning_rate", values=(1e-3,))


def test_a_range_is_linear_or_logarithmic() -> None:
    assert parse_varied("output_dropout=0..0.6") == Searched(name="output_dropout", low=0.0, high=0.6)
    assert parse_varied("learning_rate=1e-4..1e-1:log") == Searched(name="learning_rate", low=1e-4, high=1e-1, log=True)
    assert parse_varied("hidden_size=16..512:log") == Searched(name="hidden_size", low=16, high=512, log=True)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "not a setting with values"),
        ("hidden_size", "not a setting with values"),
        ("=3", "no setting called nothing"),
        ("hiden_size=3", "no setting called hiden_size"),
        ("hidden_size=", "must be a whole number from 1 to 8192"),
        ("hidden_size=0,3", "must be a whole number from 1 to 8192"),
        ("hidden_size=64,64", "same value twice"),
        ("hidden_size=64..", "must be a whole number"),
        ("hidden_size=64..32", "is empty"),
        ("hidden_size=64..64", "is empty"),
        ("output_dropout=0..0.5:log", "begin above 0"),
        ("output_dropout=0..1", "from 0 to below 1"),
        ("cell=lstm..gru", "list its values"),
        ("cell=lstm,gpt", "must be lstm, gru or rnn"),
        ("seed=1,2", "use --seeds"),
        ("validation=0.1,0.2", "cannot be varied"),
        ("threads=1,2", "cannot be varied"),
        ("embedding_size=" + ",".join(map(str, range(1, 1002))), "at most 1,000"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(typed: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_varied(typed)


def test_each_setting_can_be_varied_once() -> None:
    with pytest.raises(UserError, match="Nothing is varied"):
        check_varied([])
    with pytest.raises(UserError, match="varied twice"):
        check_varied([parse_varied("window=10"), parse_varied("window=20")])
    check_varied([parse_varied("window=10"), parse_varied("streams=20")])


def test_combinations_are_all_of_them_the_last_setting_changing_fastest() -> None:
    varied = [parse_varied("num_layers=1,2"), parse_varied("cell=lstm,rnn")]
    listed = [each for each in varied if isinstance(each, Listed)]
    assert combinations(listed) == [
        {"num_layers": 1, "cell": "lstm"},
        {"num_layers": 1, "cell": "rnn"},
        {"num_layers": 2, "cell": "lstm"},
        {"num_layers": 2, "cell": "rnn"},
    ]
    assert count_combinations(listed) == 4
    assert shown({"num_layers": 2, "learning_rate": 0.001}) == "num layers 2, learning rate 0.001"


@pytest.mark.parametrize("name", [field.name for field in can_be_varied()])
def test_what_is_shown_is_what_may_be_typed(name: str) -> None:
    field = next(field for field in can_be_varied() if field.name == name)
    varied = parse_varied(f"{name}={field.show(field.default)}")
    assert parse_varied(varied.shown) == varied


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(typed: str) -> None:
    with contextlib.suppress(UserError):
        varied = parse_varied(typed)
        assert parse_varied(varied.shown) == varied
