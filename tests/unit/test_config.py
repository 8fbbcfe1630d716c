"""Settings: their bounds, and where each value comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telex import config, limits
from telex.config import LISTS, SETTINGS, Setting, Settings, Words
from telex.errors import SettingInvalid, SettingUnknown

EACH = pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)


@EACH
def test_every_setting_is_a_number_of_limits_within_its_bounds(setting: Setting) -> None:
    if (setting.least, setting.most) != (0, 1):  # a switch is no number
        assert getattr(limits, setting.name.upper()) == setting.default
    assert setting.least <= setting.default <= setting.most
    assert setting.meaning
    assert setting.name in Settings.__annotations__


def test_every_annotated_setting_exists() -> None:
    assert set(Settings.__annotations__) == set(config.BY_NAME)


@EACH
def test_without_a_word_the_default_holds(setting: Setting) -> None:
    found = Settings({}, {})
    assert getattr(found, setting.name) == setting.default
    assert found.sources[setting.name] == config.DEFAULT


@EACH
def test_the_store_overrides_the_default_and_the_environment_the_store(setting: Setting) -> None:
    stored, variable = {setting.name: str(setting.least)}, {config.variable(setting.name): str(setting.most)}
    from_store, from_both = Settings(stored, {}), Settings(stored, variable)
    assert (getattr(from_store, setting.name), from_store.sources[setting.name]) == (setting.least, "store")
    assert (getattr(from_both, setting.name), from_both.sources[setting.name]) == (setting.most, "environment")


@EACH
def test_what_is_out_of_bounds_in_the_environment_is_ignored(setting: Setting) -> None:
    for wrong in (str(setting.most + 1), "x", "", "-1", "1.5"):
        found = Settings({}, {config.variable(setting.name): wrong})
        assert getattr(found, setting.name) == setting.default
        assert found.sources[setting.name] == config.DEFAULT


def test_a_wrong_value_of_the_environment_leaves_the_stores_in_force() -> None:
    found = Settings({"hops_most": "3"}, {"TELEX_HOPS_MOST": "none"})
    assert (found.hops_most, found.sources["hops_most"]) == (3, "store")


def test_a_variable_is_named_after_its_setting() -> None:
    assert config.variable("keep_days") == "TELEX_KEEP_DAYS"


@EACH
def test_the_bounds_themselves_may_be_set_and_nothing_beyond(setting: Setting) -> None:
    assert config.checked(setting.name, str(setting.least)) == str(setting.least)
    assert config.checked(setting.name, str(setting.most)) == str(setting.most)
    for wrong in (setting.least - 1, setting.most + 1):
        with pytest.raises(SettingInvalid, match=f"from {setting.least} to {setting.most}"):
            config.checked(setting.name, str(wrong))


def test_a_number_may_be_grouped_for_the_eye() -> None:
    assert config.checked("inbox_waiting", " 10_000 ") == "10000"


@pytest.mark.parametrize("wrong", ["", " ", "x", "٣", "²", "1e3", "0x10", "1,000", "9" * 5_000, "\0", "\udcff"])
def test_what_is_no_number_is_refused(wrong: str) -> None:
    with pytest.raises(SettingInvalid):
        config.checked("keep_days", wrong)


@pytest.mark.parametrize("one", LISTS, ids=lambda one: one.name)
def test_a_list_of_words_is_taken_as_written_but_for_spaces(one: Words) -> None:
    assert one.parsed(one.default) == one.default
    assert config.checked(one.name, " ~/a b/* : *.key ") == "~/a b/*:*.key"
    assert getattr(Settings({one.name: "x:y"}, {}), one.name) == "x:y"
    assert getattr(Settings({one.name: "x:y"}, {config.variable(one.name): ""}), one.name) == "x:y"
    assert getattr(Settings({}, {}), one.name) == one.default


@pytest.mark.parametrize("wrong", ["", " ", ":", "a::b", "a:", "a\nb", "a\0", "ü", "x" * (limits.SETTING_CHARS + 1)])
def test_what_is_no_list_of_words_is_refused(wrong: str) -> None:
    with pytest.raises(SettingInvalid, match="words with ':' between them"):
        config.checked("ipc_share_deny", wrong)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(SettingUnknown, match="no setting 'colour'"):
        config.checked("colour", "1")


@given(st.text())
def test_whatever_is_typed_is_a_number_within_bounds_or_refused(text: str) -> None:
    try:
        stored = config.checked("keep_days", text)
    except SettingInvalid:
        return
    assert str(int(stored)) == stored
    assert 1 <= int(stored) <= 36_500


# --- an environment that is not the person's ------------------------------------------------------------------

STRICTER_WHEN_MORE = {
    *("repeat_seconds", "pair_window_seconds", "pair_cooldown_seconds", "keep_days", "ipc_rename_seconds")
}


def loosened(setting: Setting) -> list[int]:
    """Values of the environment that would loosen a limit whose default holds."""
    return [setting.least] if setting.name in STRICTER_WHEN_MORE else [setting.most]


def lifted(found: Settings, setting: Setting) -> bool:
    """Whether a limit is looser than its default."""
    value = getattr(found, setting.name)
    return bool(value < setting.default if setting.name in STRICTER_WHEN_MORE else value > setting.default)


@EACH
def test_an_agents_environment_loosens_nothing(setting: Setting) -> None:
    """Would break: an agent that lifts its own limits by a variable; a direction that is the wrong way round."""
    for value in loosened(setting):
        environment = {config.variable(setting.name): str(value)}
        found = Settings({}, environment, tightens=True)
        assert not lifted(found, setting)
        assert (getattr(found, setting.name), found.sources[setting.name]) == (setting.default, config.DEFAULT)
        assert found.ignored == ([config.variable(setting.name)] if value != setting.default else [])
        if value != setting.default:  # the check sees what the person's own environment does
            assert lifted(Settings({}, environment), setting)


@EACH
def test_an_agents_environment_tightens(setting: Setting) -> None:
    tight = setting.most if setting.name in STRICTER_WHEN_MORE else setting.least
    found = Settings({}, {config.variable(setting.name): str(tight)}, tightens=True)
    assert getattr(found, setting.name) == tight
    assert found.ignored == []


@EACH
@given(data=st.data())
def test_an_agents_environment_is_never_looser_than_the_store(setting: Setting, data: st.DataObject) -> None:
    numbers = st.integers(setting.least, setting.most)
    stored, given_ = data.draw(numbers), data.draw(numbers)
    found = Settings({setting.name: str(stored)}, {config.variable(setting.name): str(given_)}, tightens=True)
    wanted = max(stored, given_) if setting.name in STRICTER_WHEN_MORE else min(stored, given_)
    assert getattr(found, setting.name) == wanted


@pytest.mark.parametrize("setting", LISTS, ids=lambda one: one.name)
def test_an_agents_environment_only_adds_to_what_is_forbidden(setting: Words) -> None:
    found = Settings({}, {config.variable(setting.name): "other"}, tightens=True)
    assert getattr(found, setting.name) == f"{setting.default}:other"
    shorter = Settings({}, {config.variable(setting.name): setting.default.split(":")[0]}, tightens=True)
    assert getattr(shorter, setting.name) == setting.default
    assert shorter.ignored == [config.variable(setting.name)]
