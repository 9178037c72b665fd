"""The policy: what makes an answer not compliant, and what does not."""

import pytest

from twin_assets.errors import BadInputError
from twin_assets.settings import load_settings
from twin_serving.governance import SettingsPolicy, Verdict, load_policy, personal_data


def judge(answer: str, **settings) -> Verdict:
    return SettingsPolicy(load_settings(_env_file=None, **settings))("Why?", answer)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Write to ada@example.com.", ["an e-mail address"]),
        ("Write to ada.q+x@mail.example.co.uk!", ["an e-mail address"]),
        ("Call +44 20 7946 0958 now.", ["a phone number"]),
        ("Pay to DE89 3704 0044 0532 0130 00.", ["an IBAN"]),
        ("Card 4111 1111 1111 1111", ["a card number"]),
        ("ada@example.com, 4111-1111-1111-1111", ["an e-mail address", "a card number"]),
        ("Nothing of the kind at 12:30 on 2026-11-25, [1] 1,234,567.", []),
        ("Card 4111 1111 1111 1112 has wrong digits.", []),
        ("The IBAN DE89 3704 0044 0532 0130 01 is wrong.", []),
        ("a @decorator, user@host, pip install x==1.2.3, 192.168.0.1", []),
        ("The commit 1234567890123456789012345678901234567890", []),
        ("", []),
    ],
)
def test_personal_data(text: str, kinds: list[str]) -> None:
    assert personal_data(text) == kinds


def test_an_answer_keeps_to_every_rule() -> None:
    assert judge("Fine.") == Verdict(True)
    assert judge("x" * 101, policy_answer_characters=100) == Verdict(
        False, "the answer has 101 characters, more than 100"
    )
    assert judge("It costs ACME's tokens.", policy_blocked_terms=("acme",)) == Verdict(
        False, "a blocked term: acme"
    )
    assert judge("Acmeism was a school.", policy_blocked_terms=("acme", " ")).compliant
    assert judge("C++ is blocked.", policy_blocked_terms=("C++",)).compliant is False
    assert judge("ada@example.com", policy_personal_data=False).compliant
    both = judge("ada@example.com", policy_answer_characters=3)
    assert (
        both.reason == "the answer has 15 characters, more than 3; personal data: an e-mail address"
    )
    assert "ada@" not in both.reason


def test_blocked_terms_are_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_POLICY_BLOCKED_TERMS", '["one", "two words"]')
    settings = load_settings(_env_file=None)
    assert SettingsPolicy(settings)("", "These two words.").compliant is False
    monkeypatch.setenv("TWIN_POLICY_BLOCKED_TERMS", "one, two")
    with pytest.raises(BadInputError, match="TWIN_POLICY_BLOCKED_TERMS"):
        load_settings(_env_file=None)


def no_questions(question: str, answer: str) -> Verdict:
    return Verdict(not answer.endswith("?"), "it asks back")


def test_a_policy_of_one_s_own() -> None:
    policy = load_policy(load_settings(policy_hook=f"{__name__}:no_questions", _env_file=None))
    assert policy("Why?", "Why not?") == Verdict(False, "it asks back")


@pytest.mark.parametrize(
    "hook", ["nowhere:at_all", "os:nothing", "os", ":x", f"{__name__}:Verdict.x"]
)
def test_a_policy_that_is_not_there(hook: str) -> None:
    with pytest.raises(BadInputError, match="TWIN_POLICY_HOOK"):
        load_policy(load_settings(policy_hook=hook, _env_file=None))
