"""What a person sees whose page is not let in: a small page of its own that says what to do.

It holds all it needs, as nothing else is served to whoever is not let in; its style is named in its policy by its hash.
Programs are answered in plain text (guard.py).
"""

from __future__ import annotations

import base64
import hashlib
import html

AGAIN = 30  # seconds until a stage looks again: nobody may be there to load it anew

_TERMINAL = "On the computer that runs bodydouble, look at its terminal."
_OPEN = "Open the address that stands there beside <b>control page</b>, or scan the QR code below it."
_PHONE = "Or press <b>Phone</b> on a control page that is open there: it shows the same code."
_STAGE = "In OBS, take the address that stands beside <b>stage, OBS</b>, or that of the control page behind <b>OBS</b>."

# Heading and what to do, by status and whether the stage was asked for; the guard's own sentence stands between.
_SAID: dict[tuple[int, bool], tuple[str, tuple[str, ...]]] = {
    (401, False): ("This page wants the token", (_TERMINAL, _OPEN, _PHONE)),
    (401, True): ("The stage wants the token", (_TERMINAL, _STAGE)),
    (429, False): ("Too many wrong tokens", ("Wait a minute.", _TERMINAL, _OPEN)),
    (429, True): ("Too many wrong tokens", ("It looks again by itself.", _TERMINAL, _STAGE)),
    (421, False): ("Not an address of bodydouble", (_TERMINAL, _OPEN)),
    (421, True): ("Not an address of bodydouble", (_TERMINAL, _STAGE)),
}
_OTHERWISE = ("This was not let in", (_TERMINAL, _OPEN))

# The colours of the control page (web/src/control/theme.css) and of the stage's words (web/src/stage/stage.css).
_STYLE = """
:root { --bg: #0e1014; --panel: #16191f; --line: #3a424f; --text: #eceff4; --soft: #a2abb9;
  --accent: #8ea2ff; }
@media (prefers-color-scheme: light) {
  :root { --bg: #eef0f4; --panel: #fff; --line: #c3cad6; --text: #15181e; --soft: #566071; --accent: #4053d6; }
}
:root:not(.stage) { color-scheme: dark light; }
* { box-sizing: border-box; margin: 0; }
body { min-height: 100dvh; display: grid; place-items: center; padding: 16px; background: var(--bg);
  color: var(--text); font: 15px / 1.5 Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif; }
main { width: min(480px, 100%); padding: 26px 28px; border: 1px solid var(--line); border-radius: 18px;
  background: var(--panel); }
small { color: var(--soft); font-size: 13px; font-weight: 600; }
h1 { margin: 2px 0 8px; font-size: 21px; letter-spacing: -0.01em; line-height: 1.25; }
p { color: var(--soft); }
ol { margin: 14px 0 0; padding-left: 22px; display: grid; gap: 7px; }
li::marker { color: var(--accent); font-weight: 650; }
.stage body { place-items: end start; background: none; }
.stage main { background: #16191ff2; color: #eceff4; border-color: #3a424f; }
.stage p, .stage small { color: #b9c1cd; }
.stage li::marker { color: #8ea2ff; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def refusal_page(status: int, words: str, *, stage: bool = False) -> bytes:
    """The page of a refusal, HTML as UTF-8; wants the policy POLICY.

    words: the guard's sentence, escaped here. stage: the stage was asked for; it is transparent and looks again.
    """
    title, steps = _SAID.get((status, stage), _OTHERWISE)
    again = f'<meta http-equiv="refresh" content="{AGAIN}">' if stage else ""
    sentence = html.escape(words[:1].upper() + words[1:])
    page = (
        f'<!doctype html><html lang="en"{" class=stage" if stage else ""}><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{again}'
        f"<title>bodydouble: {title.lower()}</title><style>{_STYLE}</style></head>"
        f"<body><main><small>bodydouble</small><h1>{title}</h1><p>{sentence}.</p>"
        f"<ol>{''.join(f'<li>{step}</li>' for step in steps)}</ol></main></body></html>\n"
    )
    return page.encode()
