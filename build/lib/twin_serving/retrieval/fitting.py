"""Whether a passage fits a question: by its cosine, or by words that the model never learned."""

from collections.abc import Callable
from dataclasses import dataclass

from twin_assets.documents import with_title
from twin_assets.words import telling_words, words, written_words
from twin_serving.retrieval import Candidate

# Of the question's telling words; a name alone that both have in common is not what is asked.
_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Fit:
    """What a passage must have.

    ``unlearned`` are the question's words that the embedding model has no entry for, as error codes
    and settings are: a cosine says little of them. ``telling`` are those that say what it is about.
    """

    minimum_similarity: float
    unlearned: frozenset[str] = frozenset()
    telling: frozenset[str] = frozenset()

    def allows(self, candidate: Candidate) -> bool:
        """Tell whether the cosine is high enough, or the words are met all the same.

        They are where every unlearned word stands in the passage or its title as it was written,
        and with them half of the telling ones.
        """
        if candidate.similarity >= self.minimum_similarity:
            return True
        if not self.unlearned:
            return False
        read = with_title(candidate.document.title, candidate.text)
        met = self.telling.intersection(words(read))
        return self.unlearned <= written_words(read) and len(met) >= _SHARE * len(self.telling)


def fit_for(question: str, minimum_similarity: float, is_common_word: Callable[[str], bool]) -> Fit:
    """Return what passages must have for the question.

    Args:
        question: without the name of the author whose writing is searched.
        minimum_similarity: the cosine that is enough.
        is_common_word: tells whether the embedding model has an entry for a lower-case word.
    """
    unlearned = (word for word in written_words(question) if not is_common_word(word))
    return Fit(minimum_similarity, frozenset(unlearned), frozenset(telling_words(question)))
