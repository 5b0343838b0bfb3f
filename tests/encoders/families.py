"""Tiny random checkpoints of every family of encoders, saved by transformers, and what transformers makes of a text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VOCABULARY = 1200
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 66,
}
T5 = {"vocab_size": VOCABULARY, "d_model": 48, "d_kv": 12, "d_ff": 96, "num_layers": 2, "num_heads": 4}
DISTIL = {"vocab_size": VOCABULARY, "dim": 48, "n_layers": 2, "n_heads": 4, "hidden_dim": 96}
NAMED = {"id2label": {0: "negative", 1: "neutral", 2: "positive"}}


@dataclass(frozen=True)
class Family:
    """A case: how to make the model, and for `embed` its pooling and whether the vector's length becomes 1."""

    name: str
    make: Callable[[], Any]
    pooling: str = ""
    normalized: bool = False


FAMILIES = (
    Family("bert-mean", lambda: transformers.BertModel(transformers.BertConfig(**SMALL)), "mean", normalized=True),
    Family("bert-cls", lambda: transformers.BertModel(transformers.BertConfig(**SMALL)), "cls"),
    Family("mpnet", lambda: transformers.MPNetModel(transformers.MPNetConfig(**SMALL)), "mean", normalized=True),
    Family("roberta", lambda: transformers.RobertaModel(transformers.RobertaConfig(**SMALL)), "max"),
    Family("xlm-roberta", lambda: transformers.XLMRobertaModel(transformers.XLMRobertaConfig(**SMALL)), "mean"),
    Family("distilbert", lambda: transformers.DistilBertModel(transformers.DistilBertConfig(**DISTIL)), "mean"),
    Family("t5", lambda: transformers.T5ForConditionalGeneration(transformers.T5Config(**T5)), "mean", normalized=True),
    Family("t5-encoder", lambda: transformers.T5EncoderModel(transformers.T5Config(**T5)), "mean"),
    Family(
        "bert-sentiment",
        lambda: transformers.BertForSequenceClassification(transformers.BertConfig(**SMALL, **NAMED)),
    ),
    Family(
        "distilbert-sentiment",
        lambda: transformers.DistilBertForSequenceClassification(transformers.DistilBertConfig(**DISTIL, **NAMED)),
    ),
    Family(
        "roberta-several-labels",
        lambda: transformers.RobertaForSequenceClassification(
            transformers.RobertaConfig(**SMALL, **NAMED, problem_type="multi_label_classification")
        ),
    ),
)


def build(family: Family, folder: Path) -> Any:  # noqa: ANN401  # a transformers model
    """Save the checkpoint in Hugging Face layout with a tokenizer of words, and return the model."""
    torch.manual_seed(0)
    model = family.make().eval()
    for parameter in model.parameters():  # default weights are so small that every text looks the same
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.15)
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({"<pad>": 0, "[CLS]": 1, "[SEP]": 2, **_words()}, unk_token="[SEP]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>"})
    if family.pooling:
        _write_modules(family, folder)
    return model


def expected(family: Family, model: Any, ids: list[int]) -> torch.Tensor:  # noqa: ANN401  # a transformers model
    """Return the embedding or the scores of one text, computed by transformers and torch alone."""
    rows = torch.tensor([ids])
    encoder = model.get_encoder() if family.name == "t5" else model
    with torch.no_grad():
        output = encoder(input_ids=rows, attention_mask=torch.ones_like(rows))
    if not family.pooling:
        several = model.config.problem_type == "multi_label_classification"
        return torch.sigmoid(output.logits[0]) if several else torch.softmax(output.logits[0], dim=-1)
    states = output.last_hidden_state[0]
    pooled = {"mean": states.mean(dim=0), "cls": states[0], "max": states.max(dim=0).values}[family.pooling]
    return torch.nn.functional.normalize(pooled, dim=0) if family.normalized else pooled


def _words() -> dict[str, int]:
    return {f"w{index}": index for index in range(3, VOCABULARY)}


def _write_modules(family: Family, folder: Path) -> None:
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), *([("Normalize", "2_N")] if family.normalized else [])]
    _write(folder / "modules.json", [{"type": f"sentence_transformers.models.{k}", "path": p} for k, p in kinds])
    (folder / "1_Pooling").mkdir()
    names = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens"}
    _write(folder / "1_Pooling/config.json", {name: key == family.pooling for key, name in names.items()})


def _write(file: Path, document: object) -> None:
    file.write_text(json.dumps(document))
