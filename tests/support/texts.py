"""Several hundred texts on which tokenizers differ: scripts, emoji, code, spaces, control characters, look-alikes."""

# ruff: noqa: E501, RUF001  # the texts are data: their letters are meant, and a line holds a kind of them

from __future__ import annotations

import random

_SCRIPTS = (
    "The quick brown fox jumps over the lazy dog.", "Größe, Übermut, Straße: 3,14 €", "naïve façade — “quoted” … ½ ™",
    "Привет, мир! Ёлка", "Γειά σου Κόσμε", "Բարեւ աշխարհ", "გამარჯობა მსოფლიო", "مرحبا بالعالم، كيف الحال؟", "שלום עולם",
    "नमस्ते दुनिया", "হ্যালো বিশ্ব", "வணக்கம் உலகம்", "สวัสดีชาวโลก", "ສະບາຍດີ", "မင်္ဂလာပါ", "ជំរាបសួរ", "你好，世界！", "繁體中文測試",
    "こんにちは、世界。カタカナ", "안녕하세요 세계", "ᚠᛇᚻ ᛒᛦᚦ", "𐎀𐎁𐎂 𒀀𒀁 𓀀𓀁", "𠮷野家 㐀 𪜀", "ﷺ ﬁ ﬂ Ǆ Ⅷ ㎏", "abc עברית 123 عربى def", "\u202eabc\u202c \u2067x\u2069",
)  # fmt: skip
_EMOJI = (
    "👋", "👋🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "1️⃣ #️⃣", "❤️ ❤", "🧑🏿‍🚀 go", "🫠🫡🪿", "a👍b👎c", "👩‍❤️‍💋‍👨" * 3, "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
)  # fmt: skip
_MARKS = (
    "e\u0301 vs é", "a\u0300\u0301\u0302\u0303", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘", "ก็", "क्षि", "\u0301alone", "Å Å Å", "ﬀ ŀ ı İ ß ẞ", "가 각",
)  # fmt: skip
_SPACES = (
    "", " ", "  ", "   ", " " * 7, " " * 31, " " * 32, " " * 100, "\t", "\t\t x", "\n", "\n\n", "\n\n\n\n", "\r\n", "\r", " \n \n ", "a  b   c    d",
    " leading", "  leading", "trailing ", "trailing  \n", "\u00a0nbsp\u00a0", "\u2003em\u2009thin", "\u3000全角　空白", "\u200bzero\u200bwidth\ufeff", "\u2028line\u2029para", "\x85next",
    "a\n b\n  c\n   d", "▁ ▁▁ a▁b", "Ġ Ċ Ġhello", "x\u00ad y",
)  # fmt: skip
_CONTROL = (
    "\x00", "a\x00b", "\x01\x02\x03\x1f", "\x7f\x80\x9f", "\x1b[31mred\x1b[0m", "\x08\x0b\x0c", "\ufffd", "\ufffd\ufffd a", "\ufffe\uffff", "\ue000\ue001", "\U0010ffff", "\ufdd0x\ufdd1",
)  # fmt: skip
_CODE = (
    "def f(x: int) -> str:\n    return f\"{x!r:>10}\"\n", "for (int i=0;i<n;++i){a[i]^=b[i]>>2;}", "SELECT * FROM t WHERE a='b''c';--", "<div class=\"x\">&amp;</div>",
    "{\"a\": [1, 2.5e-10, null], \"b\": \"\\u00e9\\n\"}", "x = y if z else w  # comment", "\\frac{a}{b}\\sum_{i=0}^{n}", "#!/bin/sh\nset -e\n\techo \"$1\" | sed 's/a/b/g'", "```python\nprint('hi')\n```",
    "https://example.org/a?b=c&d=%20#e", "C:\\Users\\x\\y.txt", "user@example.org", "a->b::c<d>()[0];", "!@#$%^&*()_+-=[]{};':\",./<>?`~", "0x1F 0b101 1_000_000 3.14159e+10", "=====----====", "if(a&&!b||c){}",
)  # fmt: skip
_NUMBERS = (
    "0",
    "00",
    "007",
    "12",
    "123",
    "1234",
    "12345678901234567890",
    "1,234,567.89",
    "٣٤٥ १२३ ４５",
    "²³¹ ½ Ⅳ",
    "-1 +2 ±3",
    "1st 2nd 10:30 2024-07-26",
)
_ENGLISH = (
    "I'm you're he's we've they'll she'd can't DON'T O'Neil",
    "don’t ‘single’",
    "e.g. i.e. Mr. Dr. U.S.A.",
    "Hello , world ! ( a ) ' s n't",
    "antidisestablishmentarianism",
    "camelCaseAndPascalCase snake_case kebab-case",
    "HELLO hello Hello hELLO",
    "x" * 300,
    "ab" * 200,
    "supercalifragilistic" * 12,
)
_LOOKALIKES = (
    "<s>", "</s>", "<s> hi </s>", "<unk>", "<pad>", "<|endoftext|>", "<|im_start|>system\nobey<|im_end|>", "<|end|><|assistant|>", "<|user|>\n", "<|eot_id|>", "[INST] x [/INST]", "<<SYS>>", "<0x0A>", "<0xE4><0xBD>",
    "< s >", "<|im_start|", "<|im_start|>>", "a<|end|>b", " <|end|> ", "\n<|end|>\n", "<|END|>", "<start_of_turn>user", "<|end|><|end|>", "<|endoftext|> a <|endoftext|>", "</s></s> </s>", "<|\u200bend|>", "<bos><eos>", "<think>a</think>",
)  # fmt: skip
_SHORT = [
    chr(code)
    for code in (*range(33, 127, 3), 0xA0, 0xE9, 0x3B1, 0x416, 0x5D0, 0x627, 0x905, 0xE01, 0x4E16, 0xAC00, 0x1F600)
]


def _mixed(count: int) -> list[str]:
    """Draw texts that put the others side by side, where their seams are."""
    draw = random.Random(20240726)
    pool = [*_SCRIPTS, *_EMOJI, *_MARKS, *_SPACES, *_CONTROL, *_CODE, *_NUMBERS, *_ENGLISH, *_LOOKALIKES]
    return ["".join(draw.choice(pool) for _ in range(draw.randint(2, 4)))[: draw.randint(1, 200)] for _ in range(count)]


TEXTS: tuple[str, ...] = tuple(
    dict.fromkeys([
        *_SCRIPTS, *_EMOJI, *_MARKS, *_SPACES, *_CONTROL, *_CODE, *_NUMBERS, *_ENGLISH, *_LOOKALIKES, *_SHORT, *_mixed(220),
    ])
)  # fmt: skip


def random_ids(size: int, special: frozenset[int], count: int = 120) -> list[list[int]]:
    """Draw token ids as a broken model would say them; half of the lists hold no special token."""
    draw = random.Random(size)
    plain = [index for index in range(size) if index not in special]
    return [draw.choices(plain if number % 2 else range(size), k=draw.randint(1, 24)) for number in range(count)]
