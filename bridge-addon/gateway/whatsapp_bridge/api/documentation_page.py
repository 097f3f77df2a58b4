"""The OpenAPI document as one page of HTML, without scripts."""

from collections.abc import Iterator
from html import escape
import json
import re
from typing import Any

from whatsapp_bridge.error_meanings import MEANINGS
from whatsapp_bridge.errors import http_status

type Document = dict[str, Any]

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#128c7e}
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem}
code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:var(--soft);padding:.75rem;overflow:auto;border-radius:6px}
section{border-top:1px solid var(--line);padding:.5rem 0 1rem}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid var(--line);padding:.35rem .5rem;text-align:left;vertical-align:top}
summary{cursor:pointer}
h3{font-size:1rem;margin:1rem 0 .25rem}
h3 b{color:var(--accent)}
a{color:var(--accent)}
nav{columns:18rem;font-size:14px}
"""


def render(document: Document) -> str:
    """Returns the page."""
    info = document["info"]
    parts = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        f"<p>{_sentence(info['description'])}</p>",
        '<p><a href="openapi.json">openapi.json</a> · <a href="#errors">error codes</a> · <a href="#schemas">schemas</a></p>',
        "<nav>",
        *(f'<a href="#{name}">{method} {escape(path)}</a><br>' for method, path, name, _ in _operations(document)),
        "</nav>",
        *(_operation(method, path, operation) for method, path, _, operation in _operations(document)),
        *(_webhook(name, item["post"]) for name, item in document.get("webhooks", {}).items()),
        _errors(),
        '<h2 id="schemas">Schemas</h2>',
        *(_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())),
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(info["title"])}</title>'
    return f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head><body>{"\n".join(parts)}</body></html>'


def _operations(document: Document) -> Iterator[tuple[str, str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation["operationId"], operation


def _operation(method: str, path: str, operation: Document) -> str:
    body = operation.get("requestBody", {}).get("content", {})
    examples = [example["value"] for example in body.get("application/json", {}).get("examples", {}).values()]
    return "".join(
        [
            f'<section><h3 id="{operation["operationId"]}"><b>{method}</b> <code>{escape(path)}</code></h3>',
            f"<p>{_sentence(operation.get('description', ''))}</p>",
            _parameters(operation.get("parameters", [])),
            *(f"<p>Body: <code>{escape(kind)}</code> {_reference(content)}</p>" for kind, content in body.items()),
            _folded("with curl", _curl(method, path, operation, examples)),
            _examples(body),
            "<table>",
            *(_answer(status, answer) for status, answer in operation["responses"].items()),
            "</table></section>",
        ]
    )


def _webhook(name: str, operation: Document) -> str:
    content = operation["requestBody"]["content"]
    description = _sentence(operation.get("description", ""))
    return f'<section><h3 id="webhook-{name}"><b>webhook</b> {escape(name)}</h3><p>{description}</p>{_examples(content)}</section>'


def _parameters(parameters: list[Document]) -> str:
    rows = [
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{parameter['in']}</td>"
        f"<td>{'' if parameter.get('required') else 'optional. '}{_sentence(parameter.get('description', ''))}</td></tr>"
        for parameter in parameters
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _answer(status: str, answer: Document) -> str:
    content = answer.get("content", {})
    kinds = ", ".join(f"<code>{escape(kind)}</code> {_reference(one)}" for kind, one in content.items())
    detail = _sentence(answer["description"]) if status >= "400" else f"{kinds}{_examples(content)}"
    return f"<tr><td>{status}</td><td>{detail}</td></tr>"


def _examples(content: Document) -> str:
    examples = content.get("application/json", {}).get("examples", {})
    return "".join(_folded(name, _json(example["value"])) for name, example in examples.items())


def _curl(method: str, path: str, operation: Document, examples: list[Any]) -> str:
    lines = [f"curl -X {method} http://127.0.0.1:8000{path}"]
    if operation.get("security") != []:
        lines.append('  -H "Authorization: Bearer $TOKEN"')
    if examples:
        lines.append("  -H 'Content-Type: application/json'")
        lines.append(f"  -d '{json.dumps(examples[0], ensure_ascii=False)}'")
    return " \\\n".join(lines)


def _errors() -> str:
    rows = [
        f'<tr id="{code}"><td><code>{code}</code></td><td>{int(http_status(code))}</td>'
        f"<td>{_sentence(meaning.cause)}</td><td>{_sentence(meaning.cure)}</td></tr>"
        for code, meaning in MEANINGS.items()
    ]
    head = "<tr><th>code</th><th>HTTP</th><th>cause</th><th>cure</th></tr>"
    return f'<h2 id="errors">Error codes</h2><table>{head}{"".join(rows)}</table>'


def _schema(name: str, schema: Document) -> str:
    return f'<details id="schema-{escape(name)}"><summary>{escape(name)}</summary><pre>{_linked(_json(schema))}</pre></details>'


def _reference(content: Document) -> str:
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return f'<a href="#schema-{escape(name)}">{escape(name)}</a>' if name else ""


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _linked(text: str) -> str:
    return re.sub(r"&quot;#/components/schemas/(\w+)&quot;", r'<a href="#schema-\1">\1</a>', escape(text))


def _sentence(text: str) -> str:
    """Text with `code` in it, as docstrings have it; codes of errors lead to their row."""
    quoted = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)).replace("\n\n", "</p><p>")
    return re.sub(r"<code>([a-z_]+)</code>", _to_error, quoted)


def _to_error(match: re.Match[str]) -> str:
    return f'<a href="#{match[1]}">{match[0]}</a>' if match[1] in set(MEANINGS) else match[0]
