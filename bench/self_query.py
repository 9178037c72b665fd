"""Whom a question means, by rules: how often right, how fast, at growing numbers of authors."""

import statistics
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

from reporting import arguments, show

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from invented_authors import authors_of
from named_questions import judge, questions_of

from twin_assets.model_folder import find_model, load_tokenizer
from twin_assets.settings import PACKAGED_MODEL
from twin_serving.retrieval.self_query import AuthorNames, SelfQuery


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tokenizer = load_tokenizer(find_model(PACKAGED_MODEL).path)
    rows, kinds = [], {}
    for count in (50, 1000):
        authors = authors_of(options.seed, count)
        questions = questions_of(authors, options.seed)
        names = AuthorNames(authors)
        seconds: list[float] = []

        def decide(
            question: str, names: AuthorNames = names, seconds: list[float] = seconds
        ) -> SelfQuery:
            started = perf_counter()
            found = names.match(question, lambda word: tokenizer.token_to_id(word) is not None)
            seconds.append(perf_counter() - started)
            return found

        outcome = judge(questions, decide)
        rows.append(
            {
                "authors": count,
                "questions": len(questions),
                "precision": outcome.precision,
                "recall": outcome.recall,
                "several reported": outcome.reported,
                "p50 ms": 1000 * statistics.median(seconds),
                "p95 ms": 1000 * statistics.quantiles(seconds, n=20)[-1],
            }
        )
        wrong = Counter(one.kind for one, _ in outcome.wrong)
        kinds[f"right of {count} authors"] = ", ".join(
            f"{kind} {asked - wrong[kind]}/{asked}" for kind, asked in sorted(outcome.asked.items())
        )
    show(
        {
            "compares": "whom generated questions name, and whom the rules find",
            "rows": rows,
            **kinds,
        },
        list(rows[0]),
        options.json,
    )


if __name__ == "__main__":
    main()
