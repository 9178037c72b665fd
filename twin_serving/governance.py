"""Whether an answer keeps to the house's rules: a verdict on each, with its reason."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from twin_assets.hooks import load_hook
from twin_assets.settings import TwinSettings

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*\.[^\W\d_]{2,24}\b")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer is compliant, and why not."""

    compliant: bool
    reason: str | None = None


Policy = Callable[[str, str], Verdict]
"""Judges a question and its answer."""


def load_policy(settings: TwinSettings) -> Policy:
    """Return the policy that TWIN_POLICY_HOOK names, by default the one of the settings.

    Raises:
        BadInputError: the hook cannot be imported, or is nothing that can be called.
    """
    if not settings.policy_hook:
        return SettingsPolicy(settings)
    return load_hook("TWIN_POLICY_HOOK", settings.policy_hook)


class SettingsPolicy:
    """The rules that are settings: length, blocked terms, personal data."""

    def __init__(self, settings: TwinSettings) -> None:
        """Judge by the TWIN_POLICY_* settings."""
        self._most = settings.policy_answer_characters
        self._terms = [
            (term, re.compile(rf"(?<!\w){re.escape(term.strip())}(?!\w)", re.IGNORECASE))
            for term in settings.policy_blocked_terms
            if term.strip()
        ]
        self._personal_data = settings.policy_personal_data

    def __call__(self, question: str, answer: str) -> Verdict:
        """Return the verdict; its reason names every rule that is broken, and quotes nothing."""
        broken: list[str] = []
        if len(answer) > self._most:
            broken.append(f"the answer has {len(answer):,} characters, more than {self._most:,}")
        broken += [f"a blocked term: {term}" for term, found in self._terms if found.search(answer)]
        if self._personal_data and (kinds := personal_data(answer)):
            broken.append(f"personal data: {', '.join(kinds)}")
        return Verdict(not broken, "; ".join(broken) or None)


def personal_data(text: str) -> list[str]:
    """Return the kinds of personal data that the text holds.

    Phone numbers are those written internationally that libphonenumber calls valid, IBANs and card
    numbers those whose check digits are right (ISO 13616, ISO/IEC 7812).
    """
    import phonenumbers
    from stdnum import iban, luhn

    kinds: list[str] = []
    if _EMAIL.search(text):
        kinds.append("an e-mail address")
    if next(iter(phonenumbers.PhoneNumberMatcher(text, None)), None):
        kinds.append("a phone number")
    if any(iban.is_valid(match[0]) for match in _IBAN.finditer(text)):
        kinds.append("an IBAN")
    if any(luhn.is_valid(re.sub(r"\D", "", match[0])) for match in _CARD.finditer(text)):
        kinds.append("a card number")
    return kinds
