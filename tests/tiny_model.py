"""A SentenceTransformer model with random weights, small enough to build in a test."""

import string
from pathlib import Path

WORDS = ("the", "fox", "dog", "jumps", "over", "lazy", "quick", "brown")


def build_tiny_model(
    folder: Path, *, dimension: int = 16, max_tokens: int = 30, seed: int = 0
) -> None:
    """Write the model's folder. ``max_tokens`` is what it reads, special tokens included."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    parts = folder.with_name(f"{folder.name}-parts")
    parts.mkdir(parents=True)
    letters = string.ascii_lowercase + string.digits + string.punctuation
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters]
    vocabulary += [f"##{letter}" for letter in letters]
    (parts / "vocab.txt").write_text("\n".join(vocabulary))
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=dimension,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=2 * dimension,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(parts)
    BertTokenizerFast(str(parts / "vocab.txt"), model_max_length=max_tokens).save_pretrained(parts)
    transformer = Transformer(str(parts), max_seq_length=max_tokens)
    pooling = Pooling(transformer.get_embedding_dimension())
    SentenceTransformer(modules=[transformer, pooling], device="cpu").save(str(folder))


def build_tiny_cross_encoder(
    folder: Path,
    *,
    labels: int = 1,
    seed: int = 0,
    words: int | None = None,
    weight: float | None = None,
) -> None:
    """Write a cross-encoder's folder: the architecture of ms-marco-MiniLM, with random weights.

    Args:
        folder: is made.
        labels: scores a pair.
        seed: of the weights.
        words: that the model has rows for; all of the tokenizer's if not said.
        weight: what all weights are instead.
    """
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir(parents=True)
    letters = string.ascii_lowercase + string.digits + string.punctuation
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters]
    vocabulary += [f"##{letter}" for letter in letters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=words or len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=512,
        num_labels=labels,
        initializer_range=0.3,  # so that scores differ by more than bfloat16 rounds
    )
    model = BertForSequenceClassification(config)
    if weight is not None:
        for parameter in model.parameters():
            torch.nn.init.constant_(parameter, weight)
    model.save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=512).save_pretrained(folder)
