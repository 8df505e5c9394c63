"""YAML as a person would write it: block style, short lists and maps in one line, quotes only where YAML needs them.

Deterministic: the order is that of the dictionaries. Every text comes back as the same text from any YAML 1.1 or 1.2 reader.
"""
import json
import re

WIDTH = 110
# Words that are surely text: no number, date, boolean, null or indicator begins or is like them.
_PLAIN = re.compile(r"(?:--?[A-Za-z]|\./|[A-Za-z_/]|\$\()[A-Za-z0-9_$()./@=+-]*(?::[A-Za-z0-9_$()./@=+-]+)*"
                    r"(?: [A-Za-z0-9_$()./@=+-]*[A-Za-z0-9_$()./@=+])*")
_WORDS = frozenset("y n yes no on off true false null none nan inf".split())
_CONTROL = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_PRINTABLE = re.compile("[\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")


def text_of(value):
    """The YAML document of dictionaries, lists and scalars."""
    lines = []
    _block(value, "", lines)
    return "\n".join(lines) + "\n"


def scalar(value):
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value or abs(value) == float("inf"):
            return _refuse(value)
        # YAML 1.1 takes 1e+30 for text
        return re.sub(r"^(-?\d+)e", r"\1.0e", json.dumps(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        return _CONTROL.sub(lambda m: "\\u%04x" % ord(m.group()), json.dumps(value, ensure_ascii=False))
    return _refuse(value)


def _refuse(value):
    raise TypeError(f"{value!r} cannot be written into a manifest")


def _flow(value, room):
    """The value in one line of at most `room` characters; None where it does not fit or is better in several."""
    if isinstance(value, dict):
        if not value:
            return "{}"
        if len(value) > 6:
            return None
        parts = []
        for key, item in value.items():
            one = _flow(item, room)
            if one is None:
                return None
            parts.append(f"{scalar(key)}: {one}")
        text = "{" + ", ".join(parts) + "}"
    elif isinstance(value, (list, tuple)):
        parts = []
        for item in value:
            one = _flow(item, room)
            if one is None:
                return None
            parts.append(one)
        text = "[" + ", ".join(parts) + "]"
    elif isinstance(value, str) and "\n" in value:
        return None
    else:
        return scalar(value)  # a long word is no reason to break the lines around it
    return text if len(text) <= room else None


def _literal(value):
    """The head and lines of a block of text; None where quotes are safer."""
    body = value.rstrip("\n")
    lines = body.split("\n")
    if not body or not lines[0].strip() or lines[0][0] in " \t" or not all(_PRINTABLE.fullmatch(line) for line in lines):
        return None
    if any(line != line.rstrip() or line.startswith("\t") for line in lines):
        return None
    tail = len(value) - len(body)
    return ("|-" if tail == 0 else "|" if tail == 1 else "|+"), lines + [""] * max(0, tail - 1)


def _block(value, indent, lines):
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _entry(f"{indent}{scalar(key)}:", item, indent, lines, deep=key in _ALWAYS_BLOCK)
    elif isinstance(value, (list, tuple)) and value:
        for item in value:
            if isinstance(item, dict) and item and _flow(item, WIDTH - len(indent) - 2) is None:
                inner = []
                _block(item, indent + "  ", inner)
                inner[0] = indent + "- " + inner[0][len(indent) + 2:]
                lines += inner
            else:
                _entry(f"{indent}-", item, indent + "  " if isinstance(item, (list, tuple)) else indent, lines)
    else:
        lines.append(indent + (_flow(value, WIDTH) or scalar(value)))


_ALWAYS_BLOCK = frozenset(["spec", "steps", "finally", "container"])


def _entry(head, item, indent, lines, deep=False):
    if isinstance(item, str) and "\n" in item:
        block = _literal(item)
        if block:
            lines.append(f"{head} {block[0]}")
            lines += [f"{indent}  {line}" if line else "" for line in block[1]]
        else:
            lines.append(f"{head} {scalar(item)}")
        return
    if not item or not isinstance(item, (dict, list, tuple)):
        lines.append(f"{head} {_flow(item, WIDTH)}")
        return
    one = None if deep else _flow(item, WIDTH - len(head) - 1)
    if one is not None:
        lines.append(f"{head} {one}")
        return
    lines.append(head)
    _block(item, indent if isinstance(item, (list, tuple)) else indent + "  ", lines)
