"""How is the part of YAML read that stack files and files of durations are written in?

Block and flow collections, plain and quoted scalars, comments. No anchors, tags, multi-line scalars or several documents:
what is not understood is refused, with its line.
"""

import re


class NotUnderstood(Exception):
    def __init__(self, line, what):
        super().__init__(f"line {line}: {what}")


KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s"'#\[\]{},][^#\[\]{},]*?)\s*:(?:\s+|$)""")


def read(text):
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        content = without_comment(line)
        if content.strip():
            lines.append((number, len(content) - len(content.lstrip()), content.strip()))
    if not lines:
        return None
    value, rest = block(lines, lines[0][1])
    if rest:
        raise NotUnderstood(rest[0][0], "indented otherwise than what it belongs to")
    return value


def without_comment(line):
    quote = None
    for index, character in enumerate(line):
        if quote:
            quote = None if character == quote else quote
        elif character in "\"'" and (index == 0 or line[index - 1] in " [{,:"):
            quote = character
        elif character == "#" and (index == 0 or line[index - 1] in " \t"):
            return line[:index].rstrip()
    return line.rstrip()


def block(lines, indent):
    """A block collection whose entries begin in this column, and the lines behind it."""
    if lines[0][2].startswith("- ") or lines[0][2] == "-":
        return sequence(lines, indent)
    if KEY.match(lines[0][2]):
        return mapping(lines, indent)
    return scalar_or_flow(lines[0][2], lines[0][0]), lines[1:]


def mapping(lines, indent):
    found = {}
    while lines and lines[0][1] == indent:
        number, _, content = lines[0]
        match = KEY.match(content)
        if not match:
            raise NotUnderstood(number, f"a name and a colon are expected, not {content!r}")
        name, value, lines = plain(match[1]), content[match.end() :], lines[1:]
        if name in found:
            raise NotUnderstood(number, f"{name} is there twice")
        # A sequence may begin in the column of the name that it belongs to.
        is_nested = lines and (lines[0][1] > indent or lines[0][1] == indent and lines[0][2].startswith("- "))
        if value:
            found[name] = scalar_or_flow(value, number)
        elif is_nested:
            found[name], lines = block(lines, lines[0][1])
        else:
            found[name] = None
    if lines and lines[0][1] > indent:
        raise NotUnderstood(lines[0][0], "indented otherwise than what it belongs to")
    return found, lines


def sequence(lines, indent):
    found = []
    while lines and lines[0][1] == indent and (lines[0][2] + " ").startswith("- "):
        number, _, content = lines[0]
        inner = content[1:].lstrip()
        lines = lines[1:]
        if not inner:
            value, lines = block(lines, lines[0][1])
        elif KEY.match(inner):
            column = indent + len(content) - len(inner)
            value, lines = mapping([(number, column, inner), *lines], column)
        else:
            value = scalar_or_flow(inner, number)
        found.append(value)
    return found, lines


def scalar_or_flow(text, number):
    if text[0] not in "[{":
        return plain(text)
    value, rest = flow(text, number)
    if rest.strip():
        raise NotUnderstood(number, f"{rest.strip()!r} is left over")
    return value


def flow(text, number):
    """The value that the text begins with, and the text behind it."""
    text = text.lstrip()
    if text.startswith("["):
        found, text = [], text[1:].lstrip()
        while not text.startswith("]"):
            value, text = flow(text, number)
            found.append(value)
            text = behind_comma(text, "]", number)
        return found, text[1:]
    if text.startswith("{"):
        found, text = {}, text[1:].lstrip()
        while not text.startswith("}"):
            match = KEY.match(text)
            if not match:
                raise NotUnderstood(number, f"a name and a colon are expected, not {text!r}")
            found[plain(match[1])], text = flow(text[match.end() :], number)
            text = behind_comma(text, "}", number)
        return found, text[1:]
    match = re.match(r"""\s*("[^"]*"|'[^']*'|[^,\[\]{}]+)""", text)
    if not match:
        raise NotUnderstood(number, f"a value is expected, not {text!r}")
    return plain(match[1].strip()), text[match.end() :]


def behind_comma(text, end, number):
    text = text.lstrip()
    if text.startswith(","):
        return text[1:].lstrip()
    if not text.startswith(end):
        raise NotUnderstood(number, f"{end!r} is missing")
    return text


def plain(text):
    if text[0] in "\"'" and text[-1] == text[0] and len(text) > 1:
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    if text in ("null", "~"):
        return None
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+)", text):
        return float(text)
    return text
