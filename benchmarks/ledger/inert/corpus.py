"""Texts that want to be more than text: each would call `inert(number)`, or be something else that shows."""

from __future__ import annotations

import random
from dataclasses import dataclass

# What a template engine would make of PRODUCT's two factors is looked for in every output.
PRODUCT = "191*7919"
MADE_BY_A_TEMPLATE = str(191 * 7919)
OTHER_HOST = "inert.invalid"

# `§` is the number of the text.
FAMILIES: dict[str, list[str]] = {
    "element": [
        "<script>inert(§)</script>",
        "<img src onerror=inert(§)>",
        "<svg onload=inert(§)>",
        "<svg/onload=inert(§)>",
        "<b data-inert=§>",
        "<b data-inert=§>bold</b>",
        "<body onload=inert(§)>",
        "<style onload=inert(§)>",
        "<details open ontoggle=inert(§)>",
        "<input autofocus onfocus=inert(§)>",
        "<video src onerror=inert(§)>",
        "<iframe srcdoc='<script>parent.inert(§)</script>'>",
        "<svg><animate onbegin=inert(§)>",
        "<a data-inert=§ href=javascript:inert(§)>",
        "<plaintext data-inert=§>",
        "<base data-inert=§ href=//inert.invalid>",
        "<link rel=stylesheet href=//inert.invalid/§>",
        "<meta http-equiv=refresh content=0;//inert.invalid>",
        "<form data-inert=§ action=//inert.invalid><button>",
        "<b data-inert=§ x-data x-init=inert(§)>",
        "<b data-inert=§ hx-get=/inert hx-trigger=load>",
        "<img src=//inert.invalid/§>",
        "<scr<script>ipt>inert(§)</script>",
        "&lt;img src onerror=inert(§)&gt;",
        "&#60;img src onerror=inert(§)&#62;",
        "\uff1cscript\uff1einert(§)\uff1c/script\uff1e",
        "%3Cimg src onerror=inert(§)%3E",
    ],
    "way out": [
        '"><img src onerror=inert(§)>',
        "'><img src onerror=inert(§)>",
        "--><img src onerror=inert(§)>",
        "]]><img src onerror=inert(§)>",
        "</textarea><svg onload=inert(§)>",
        "</title><svg onload=inert(§)>",
        "</select><svg onload=inert(§)>",
        "</template><svg onload=inert(§)>",
        "</style><svg onload=inert(§)>",
        "</script><svg onload=inert(§)>",
        "</script><script>inert(§)</script>",
        "<!-- data §",
        "<![CDATA[ §",
        '" onmouseover=inert(§) data-inert="',
        "' autofocus onfocus=inert(§) data-inert='",
        "` onfocus=inert(§) data-inert=`",
    ],
    "script": [
        "'-inert(§)-'",
        '"-inert(§)-"',
        "`-inert(§)-`",
        "\\'-inert(§)//",
        '\\";inert(§)//',
        "';inert(§)//",
        "${inert(§)}",
        "`${inert(§)}`",
        "\\u003csvg onload=inert(§)\\u003e",
        "\\x3csvg onload=inert(§)\\x3e",
        "{{constructor.constructor('inert(§)')()}}",
        "__proto__ §",
        "constructor §",
        "\u2028inert(§)//",
        "\u2029inert(§)//",
    ],
    "address": [
        "javascript:inert(§)",
        "JaVaScRiPt:inert(§)",
        "java\tscript:inert(§)",
        "\x01javascript:inert(§)",
        "data:text/html,<script>inert(§)</script>",
        "vbscript:inert(§)",
        "//inert.invalid/§",
        "https://inert.invalid/§",
        "\\\\inert.invalid\\§",
        "?next=//inert.invalid/§",
    ],
    "formula": [
        "=1+§",
        "+1+§",
        "-1+§",
        "@SUM(§)",
        "=cmd|' /C calc'!A§",
        '=HYPERLINK("//inert.invalid/§")',
        "\t=1+§",
        "\r=1+§",
        "\n=1+§",
        "a\n=1+§",
        "a\t=1+§",
        " =1+§",
        "\u00a0=1+§",
        "\ufeff=1+§",
        "\u200b=1+§",
        "\uff1d1+§",
        "\uff0b1+§",
        "\uff0d1+§",
        "\uff20SUM(§)",
        "a;=1+§",
        "a; =1+§",
        'a";=1+§',
        'a",=1+§,"',
        '";=1+§;"',
        "a;@SUM(§)",
        "a;-1+§",
        "a;+1+§",
        "a;\uff1d1+§",
        "a,=1+§",
        "a|=1+§",
        "'=1+§",
        "''=1+§",
        "a;'=1+§",
        '"=1+§"',
        "=§;=§",
    ],
    "line": [
        "§\nINFO forged",
        '§\n{"event": "forged"}',
        '§\r\n{"event": "forged"}',
        '§", "event": "forged',
        '§"}\n{"event": "forged',
        "§\r\nX-Inert: 1",
        "§\r\nSet-Cookie: inert=1",
        "§%0d%0aX-Inert:%201",
        "§\u0085forged",
        "§\u000bforged",
        "\x1b[31mred §\x1b[0m",
        "\x1b]0;inert §\x07",
        "\x9b31mred §",
        "back\x08\x08\x08 §",
        "zero\x00 §",
        "delete\x7f §",
        'x"} 1\ninert_forged{n="§',
        'x",inert="§',
        "§\\nforged",
    ],
    "letter": [
        "\u202eright to left §",
        "\u2066isolate §",
        "\u200eleft \u200fright \u061c§",
        "zero\u200bwidth\u200d\u2060 §",
        "\ufeffmark §",
        "\ud800 lone §",
        "\udfff lone §",
        "\U0001f697 car §",
        "\U000e0041 tag §",
        "\ufdd0 none §",
        "\uffff none §",
        "\u0623\u0628\u062a §",
        "\u05d0\u05d1 §",
        "\u0130\u0131\u00df\ufb01\u0149\u01f0 §",
        "Z\u0351\u0352\u0353\u0354\u0355\u0356 §",
        "e\u0301 \u212b \u2126 §",
        "\u2800\u3164 §",
        "\ufffd §",
    ],
    "template": [
        "{{191*7919}} §",
        "${191*7919} §",
        "#{191*7919} §",
        "<%= 191*7919 %> §",
        "{% debug %} §",
        "{% load %} §",
        "{{ request.user.password }} §",
        "%s%n%x%d §",
        "%(password)s §",
        "{0.__class__} §",
        "{plate}/{camera} §",
        "$PATH $(id) `id` §",
        "; id #§",
        "' OR 1=1 --§",
        "%_\\ §",
        "\\ §",
    ],
    "path": [
        "../../../../etc/passwd §",
        "..\\..\\windows §",
        "%2e%2e%2f%2e%2e%2f §",
        "/etc/passwd\x00.jpg §",
        "C:\\CON §",
        "file:///etc/passwd §",
        ".. §",
        "§/../..",
        "+/# §",
        "$SYS/§",
        "#",
    ],
    "length": [
        "W" * 32,
        "W" * 64 + "§",
        "<" * 64,
        "x" * 100 + "§",
        "x" * 600,
        "x" * 20_000,
        "&" * 30,
    ],
}
WAYS = ("{}", "A{}", "{}Z", " {} ", "A1 {} B2")


@dataclass(frozen=True)
class Hostile:
    number: int
    family: str
    text: str

    @property
    def word(self) -> str:
        """A harmless word of this text alone, for the fields beside it."""
        return f"q{self.number}z"


def make_corpus(count: int, chance: random.Random) -> list[Hostile]:
    """Return so many different texts: first each as it stands, then in other company.

    A small corpus has some of each family.
    """
    plain = [(family, text) for family, texts in FAMILIES.items() for text in texts]
    others = [(family, way.format(text)) for way in WAYS[1:] for family, text in plain]
    chance.shuffle(others)
    if count < len(plain):
        chance.shuffle(plain)
        seen: dict[str, int] = {}
        rank = []
        for family, text in plain:
            seen[family] = seen.get(family, 0) + 1
            rank.append((seen[family], family, text))
        plain = [(family, text) for _, family, text in sorted(rank)]
    chosen = (plain + others)[:count]
    return [
        Hostile(number, family, text.replace("§", str(number)))
        for number, (family, text) in enumerate(chosen, 100)
    ]
