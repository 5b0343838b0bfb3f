"""Greedy answers of LiteRT-LM to texts and conversations, and what it makes of conversations with other templates.

Runs in the peer's environment: `python -m bench.sides.litert_lm_answers MODEL.litertlm`. Standard input is a JSON
object: `tokens` (how many to choose at most), and any of `texts`, `conversations` (lists of messages; the last is the
user's) and `templates` (each with `template` and `messages`). The last line of stdout is an object with `texts`,
`answers` and `rendered`.
"""

from __future__ import annotations

import json
import sys

import litert_lm

GREEDY = litert_lm.SamplerConfig(top_k=1)


def main(path: str) -> None:
    """Answer everything and print the answers."""
    asked = json.load(sys.stdin)
    litert_lm.set_min_log_severity(litert_lm.LogSeverity.ERROR)
    engine = litert_lm.Engine(path, backend=litert_lm.Backend.CPU(thread_count=1), cache_dir=":memory")
    said = {
        "texts": [_completed(engine, text, asked["tokens"]) for text in asked.get("texts", ())],
        "answers": [_answered(engine, messages, asked["tokens"]) for messages in asked.get("conversations", ())],
        "rendered": [_rendered(engine, **question) for question in asked.get("templates", ())],
    }
    print("\n" + json.dumps(said))


def _completed(engine: litert_lm.Engine, text: str, tokens: int) -> str:
    session = engine.create_session(apply_prompt_template=False, sampler_config=GREEDY, max_output_tokens=tokens)
    session.run_prefill([text])
    answer: str = session.run_decode().texts[0]
    return answer


def _answered(engine: litert_lm.Engine, messages: list[dict[str, str]], tokens: int) -> str:
    talk = engine.create_conversation(messages=messages[:-1], sampler_config=GREEDY, max_output_tokens=tokens)
    return "".join(part["text"] for part in talk.send_message(messages[-1]["content"])["content"])


def _rendered(engine: litert_lm.Engine, template: str, messages: list[dict[str, str]]) -> str:
    talk = engine.create_conversation(messages=messages[:-1], chat_template=template)
    rendered: str = talk.render_message_to_string(messages[-1]["content"])
    return rendered


if __name__ == "__main__":
    main(sys.argv[1])
