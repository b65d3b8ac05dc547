"""The parsers of single values: whatever they are given, they read it or refuse it in one line."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.config import values


@given(st.integers(1, 3650), st.sampled_from("smhd"))
def test_a_duration_is_its_number_times_its_unit(number: int, unit: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert values.duration(f"{number}{unit}") == timedelta(seconds=number * seconds)


JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text()))
PARSERS = [
    values.text,
    values.boolean,
    values.whole(1, 9),
    values.one_of("a", "b"),
    values.duration,
    values.duration_or_never,
    values.channel,
    values.member,
    values.digest_name,
    values.timezone,
]


def refusal(parse: values.Parse[object], raw: object) -> str:
    try:
        parse(raw)
    except values.Wrong as wrong:
        return str(wrong)
    return ""


@given(st.sampled_from(PARSERS), JUNK)
def test_no_toml_value_does_more_than_be_read_or_refused_in_one_line(parse: values.Parse[object], raw: object) -> None:
    assert "\n" not in refusal(parse, raw)


ENVIRONMENT_PARSERS = [
    values.base_url,
    values.host_name,
    values.listen,
    values.database_url,
    values.unbroken,
    values.header,
]


@given(st.sampled_from(ENVIRONMENT_PARSERS), st.text())
def test_no_variable_does_more_than_be_read_or_refused_in_one_line(parse: values.Parse[object], raw: str) -> None:
    assert "\n" not in refusal(parse, raw)
