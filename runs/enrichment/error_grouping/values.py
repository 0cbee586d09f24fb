"""The values in a sentence: numbers, ids, addresses, times, names of models, and quotations.

A text is split in one pass by one pattern, in time linear in its length: each alternative either consumes what it
looks at, or looks at a bounded number of characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Words of the protocol. In quotation marks they are part of the sentence, not values.
VOCABULARY = frozenset(
    """
    assistant developer system tool user function functions role content text image image_url image_file json
    json_object json_schema auto none required messages message tools tool_calls tool_call_id tool_choice tool_outputs
    tool_resources model instructions metadata temperature top_p max_tokens max_prompt_tokens max_completion_tokens
    response_format parallel_tool_calls truncation_strategy stream input output prompt arguments name type file_ids
    file_search code_interpreter retrieval id object null true false
    """.split()  # noqa: SIM905
)
# Words with digits that are names, not values.
_NAMES_WITH_DIGITS = re.compile(
    r"ipv[46]|utf-?(?:8|16|32)(?:-[bl]e)?|base(?:32|64)|sha-?\d+|md5|http[123]|oauth2?|u?int\d+|float\d+|fp\d+|bf16"
    r"|x86(?:[_-]64)?|arm64|amd64|s3|ec2|h26[45]|mp[34]|k8s|[1-5]xx|tlsv\d|json5|es6|iso-?8601|rfc-?\d+|latin-?1",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"(?:ft:)?(?:[\w.]{1,40}/)?(?:gpt|chatgpt|o[1-9]\b|claude|llama|codellama|mistral|mixtral|codestral|ministral|qwen|qwq|gemini"
    r"|gemma|deepseek|phi|command-r|text-embedding|text-davinci|davinci|whisper|dall-e|tts|kimi|glm|yi|grok|nova|falcon"
    r"|codex)(?![a-z])[\w.:/@-]*",
    re.IGNORECASE,
)
_HEX = re.compile(r"(?:0x)?[0-9a-f]{6,}|0x[0-9a-f]+", re.IGNORECASE)
_ORGANIZATION = re.compile(r"(?:org|proj)[-_]\w+", re.IGNORECASE)
_IDENTIFIER = re.compile(
    r"(?:run|step|thread|call|msg|asst|req|request|file|vs|resp|chatcmpl|batch|ftjob|toolu|user|trace|span|sess|ws)"
    r"[-_](?:[a-z]*\d|\w{4})[\w-]*|[a-z]{2,12}_\w{12,}",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"[a-z]*[0-9]*(?:[-_]+[a-z]*[0-9]*)*", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")
_KEY_AFTER = re.compile(r"\s{0,3}:")

_UNIT = r"(?:ms|milliseconds?|msecs?|µs|us|microseconds?|ns|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)"
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DATE = rf"(?:\d{{1,2}}\s{_MONTH}|{_MONTH}\s\d{{1,2}})(?:,?\s\d{{4}})?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?[ap]m\b)?(?:\s?(?:z|utc|gmt)\b|\s?[+-]\d{2}:?\d{2}\b)?"
_NUMBER = r"\d{1,40}(?:[.,_]\d{1,40}){0,20}"
_CODED = r"(?:http(?:/\d(?:\.\d)?)?|(?:exit\s)?status(?:\scode)?|code|errno)"
_SPOKEN = r"(?:message|msg|details?|error|reason|type|code|status|title)"
_SUFFIX = (
    r"(?:pdf|csv|tsv|jsonl?|txt|md|html?|xml|ya?ml|py|js|ts|java|go|rs|cs|png|jpe?g|gif|webp|docx?|xlsx?|pptx?|zip|gz"
    r"|parquet|log|sqlite|wav|mp[34])"
)
_DOMAIN = r"(?:com|net|org|io|ai|dev|app|cloud|internal|local|svc|eu|de|uk|cn)"
_PART = r"[a-z_]{0,40}[-:/.]?"
_VALUE = re.compile(
    rf"""
    # words of a sentence, matched together: most of a text
      (?P<plain>(?<![\w.@/:-])(?<!tool\s)(?<!function\s)
        (?:(?!{_CODED}|{_DAY}|{_MONTH}|tool|function|model|engine|deployment)[a-z][a-z']*+[,;]?\s)++)
    # a server's response inside the message: its own message is treated like the rest
    | (?P<spoken>(?<=[{{,\s])["']{_SPOKEN}["']\s{{0,3}}:\s{{0,3}}["'])
    # the argument of an exception, if it is a sentence
    | (?P<opened>(?<=[a-z]\()["'](?=[^"'\n]{{0,60}}\s))
    # the number of a status or an exit code has a meaning
    | (?P<status>\b{_CODED}(?:\sis|\sof)?[\s:=]{{1,3}}\d{{1,5}}\b(?![.,]\d))
    | (?P<url>\b[a-z][a-z0-9+]{{1,14}}://[^\s"'<>`]*[^\s"'<>`.,;:!?)\]}}])
    # an opening quote follows a space or a bracket, and no letter follows a closing one; all others are apostrophes
    | (?<![^\s(\[{{=:,<>|/])(?P<quoted>
          "[^\s",:;)\]}}][^"]{{0,2000}}+"(?!\w)
        | '[^\s',:;)\]}}](?:[^'\n]|'(?=\w)){{0,300}}+'(?!\w)
        | `[^\s`][^`]{{0,2000}}+`
        | [\u201c\u201e\xab][^\u201c-\u201e\xab\xbb]{{1,300}}+[\u201c\u201d\xbb]
        | \u2018[^\u2018\u2019]{{1,300}}+\u2019
      )
    | (?<![\w.-])(?:
        (?P<email>[\w.+-]{{1,64}}@[a-z0-9-]{{1,63}}(?:\.[a-z0-9-]{{1,63}}){{1,5}}\b)
      | (?P<secret>(?:sk|pk|rk)-[\w-]{{0,20}}[*.]{{2,400}}[\w*-]{{0,100}})
      )
    | (?<![a-z0-9_])(?:
        (?P<id>[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}\b)
      | (?P<time>
            \d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}(?:t|\s)?(?:{_CLOCK})?(?!\w)
          | (?:{_DAY},?\s)?{_DATE}(?:,?\s{_CLOCK})?(?!\w)
          | {_CLOCK}(?![\w:])
          | {_NUMBER}\s?{_UNIT}(?:\s?{_NUMBER}\s?{_UNIT}){{0,5}}(?![a-z0-9_])
        )
      | (?P<ip>
            \d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:/\d{{1,2}}|:\d{{1,5}})?(?![\w.]\w)
          | (?:[0-9a-f]{{1,4}}:){{2,7}}(?::?[0-9a-f]{{1,4}}){{1,7}}(?![\w:])
        )
      | (?P<path>[a-z]:\\[^\s"'<>|:*?]{{1,400}} | [\w-]{{1,100}}\.{_SUFFIX}(?::\d{{1,6}}){{0,2}}(?![\w.]\w))
      | (?P<host>(?:[a-z0-9-]{{1,63}}\.){{1,8}}{_DOMAIN}(?::\d{{1,5}})?(?![\w-]|\.\w))
      | (?:(?<=model\s)|(?<=model:\s)|(?<=engine\s)|(?<=deployment\s)|(?<=reached\sfor\s)|(?<=info\sfor:\s))
        (?P<model>[a-z](?=[a-z_.]{{0,60}}[\d/:-]\w)(?:\w|[./:@-](?=\w)){{1,200}}+)
      | (?:(?<=tool\s)|(?<=tool:\s)|(?<=function\s)|(?<=function:\s))
        (?P<tool>(?!\w{{0,60}}(?:error|exception)\b)[a-z][a-z0-9]{{0,60}}(?:[_.]|(?-i:(?<=[a-z])[A-Z]))(?:\w|[.-](?=\w)){{1,100}}+)
      | (?P<n>[+-]?{_NUMBER}(?:\s?[kmgt]i?b\b|[km]\b|\s?%|st\b|nd\b|rd\b|th\b|x\b)?(?![a-z0-9_-]\w))
      | (?P<word>(?={_PART}{_PART}[a-z_]{{0,40}}-?\d)[a-z0-9](?:\w|[./:@-](?=\w)){{1,200}}+)
      | (?P<letters>(?:run|thread|call|msg|asst|step|req|file|chatcmpl)[-_][a-z]{{18,200}}\b)
      )
    | (?<![\w/.~<])(?P<file>(?:~|\.{{1,2}})?/(?:[\w.@%+-]{{1,200}}/){{0,40}}[\w.@%+-]{{1,200}}(?<![.]))
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
# Matches that are text of the message, not values.
_TEXT_GROUPS = frozenset({"plain", "spoken", "opened", "status"})
_KINDS = {"file": "path", "letters": "id", "secret": "key"}


def split_values(text: str) -> Iterator[tuple[str, str | None]]:
    """Split a text into pieces, each with the kind of its value, None if it is not a value."""
    done = 0
    for match in _VALUE.finditer(text):
        for begin, end, kind in _find_values(match):
            if begin > done:
                yield text[done:begin], None
            yield text[begin:end], kind
            done = end
    if done < len(text):
        yield text[done:], None


def _find_values(match: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """Yield begin, end and kind of the values in a match."""
    name = match.lastgroup or ""
    begin, end = match.span(name)
    if name in _TEXT_GROUPS:
        return
    if name == "quoted":
        if not _is_part_of_sentence(match):
            yield begin, end, "model" if _MODEL.fullmatch(match["quoted"][1:-1]) else "value"
    elif name == "word":
        yield from _find_values_in_word(match["word"], begin)
    else:
        yield begin, end, _KINDS.get(name, name)


def _is_part_of_sentence(match: re.Match[str]) -> bool:
    """Return whether a quotation is a word of the protocol or the key of an object."""
    if match["quoted"][1:-1] in VOCABULARY:
        return True
    before = match.string[max(match.start() - 3, 0) : match.start()].rstrip()
    return before.endswith(("{", ",")) and _KEY_AFTER.match(match.string, match.end()) is not None


def _find_values_in_word(word: str, begin: int) -> Iterator[tuple[int, int, str]]:
    """Yield what varies in a word with digits: the whole word or its numbers."""
    end = begin + len(word)
    if _NAMES_WITH_DIGITS.fullmatch(word):
        return
    if _ORGANIZATION.fullmatch(word):
        yield begin, end, "org"
    elif _MODEL.fullmatch(word):
        yield begin, end, "model"
    elif _HEX.fullmatch(word):
        yield begin, end, "hex"
    elif _IDENTIFIER.fullmatch(word) or not _COUNTED.fullmatch(word):
        yield begin, end, "id"
    else:
        yield from ((begin + digits.start(), begin + digits.end(), "n") for digits in _DIGITS.finditer(word))
