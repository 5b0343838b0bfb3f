"""Greedy answers of onnxruntime-genai to prompts of token ids.

Runs in the peer's environment: `python -m bench.sides.genai_greedy FOLDER`. Standard input is a JSON object: `prompts`
(lists of ids), `tokens` (how many to choose) and `stop` (the id to stop at in place of the folder's own). The last
line of stdout is the list of answers.
"""

from __future__ import annotations

import json
import sys

import onnxruntime_genai as genai


def main(folder: str) -> None:
    """Answer every prompt and print the answers."""
    asked = json.load(sys.stdin)
    settings = genai.Config(folder)
    settings.overlay(json.dumps({"model": {"eos_token_id": asked["stop"]}}))
    model = genai.Model(settings)
    print("\n" + json.dumps([_answer(model, prompt, asked["tokens"]) for prompt in asked["prompts"]]))


def _answer(model: genai.Model, prompt: list[int], tokens: int) -> list[int]:
    options = genai.GeneratorParams(model)
    options.set_search_options(do_sample=False, max_length=len(prompt) + tokens)
    generator = genai.Generator(model, options)
    generator.append_tokens(prompt)
    while not generator.is_done():
        generator.generate_next_token()
    return [int(token) for token in generator.get_sequence(0)[len(prompt) :]]


if __name__ == "__main__":
    main(sys.argv[1])
