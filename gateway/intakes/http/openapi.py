"""What can be asked of this intake, as OpenAPI 3.1: for those who write the other side, and for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway import __version__, document
from gateway.intakes.http import examples
from gateway.intakes.http.messages import HL7

if TYPE_CHECKING:
    from gateway.intakes.http import Settings

Doc = dict[str, Any]

_ID = {"type": "integer", "minimum": 1}
_TEXT = {"type": "string"}
_LINE = {"type": "string", "pattern": "^[A-Za-z0-9 ,.-]{1,200}$"}


def description(settings: Settings) -> Doc:
    """The document served at /openapi.json."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Wardline HTTP intake",
            "version": __version__,
            "description": "A 200 or 201 means: on disk, synced.",
        },
        "security": [{"token": []}],
        "paths": {
            "/api/v1/messages": {"post": _messages()},
            "/api/v1/messages/{number}": {"get": _state()},
            "/fhir": {"post": _fhir("", "A resource or a Bundle")},
            **{
                f"/fhir/{kind}": {"post": _fhir(kind, f"One {kind}")}
                for kind in ("DiagnosticReport", "Observation", "ServiceRequest", "Communication")
            },
            "/api/v1/status": {"get": _status()},
            "/api/v1/outage": {"post": _said("Outage", "A person's word on the platform")},
            "/api/v1/pack": {"post": _said("Pack", "A ward's last results, on its own printer")},
            "/healthz": {"get": _health()},
            "/openapi.json": {"get": _itself()},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _SCHEMAS,
        },
    }


def _messages() -> Doc:
    text = {"schema": _TEXT}
    content = {
        **dict.fromkeys(HL7[:2], text),
        "application/json": {
            "schema": {
                "anyOf": [{"$ref": f"#/components/schemas/{n}"} for n in ("Envelope", "Receipt")]
            },
            "example": examples.ENVELOPE,
        },
        **dict.fromkeys(document.MEDIA, text),
    }
    return {
        "summary": "HL7 v2, an envelope or a receipt; or a document with its ward",
        "operationId": "postMessage",
        "parameters": [_WARD, _TITLE, _KEY],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": _json("Taken before, a batch, or a receipt", "Answer"),
            "201": _json("On disk", "Accepted", {"Location": {"schema": _TEXT}}),
            **_problems(400, 401, 403, 409, 413, 415, 422, 500, 503),
        },
    }


def _state() -> Doc:
    number = {"name": "number", "in": "path", "required": True, "schema": _ID}
    return {
        "summary": "What became of one of the sender's own messages",
        "operationId": "getMessage",
        "parameters": [number],
        "responses": {"200": _json("Found", "State"), **_problems(401, 404, 500, 503)},
    }


def _fhir(kind: str, summary: str) -> Doc:
    return {
        "summary": summary,
        "operationId": f"postFhir{kind}",
        "parameters": [_WARD, _KEY, _NONE_EXIST],
        "requestBody": {
            "required": True,
            "content": {
                "application/fhir+json": {
                    "schema": {"$ref": "#/components/schemas/Resource"},
                    "example": examples.FHIR.get(kind, examples.BUNDLE),
                }
            },
        },
        "responses": {
            "200": _outcome("Taken before, or a transaction"),
            "201": _outcome("On disk"),
            **{
                str(status): _outcome(_SAYS[status])
                for status in (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 500, 503)
            },
        },
    }


def _status() -> Doc:
    return {
        "summary": "How the platform, the devices and the messages are; for who may `status`",
        "operationId": "getStatus",
        "responses": {"200": _json("As it is", "Standing"), **_problems(401, 403, 404, 500, 503)},
    }


def _said(what: str, summary: str) -> Doc:
    schema = {"$ref": f"#/components/schemas/{what}"}
    return {
        "summary": f"{summary}; for who may `{what.lower()}`",
        "operationId": f"post{what}",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "200": _json("On disk, and obeyed", "Answer"),
            **_problems(400, 401, 403, 404, 413, 415, 422, 500, 503),
        },
    }


def _health() -> Doc:
    said = {"200": _json("It takes messages", "Health"), "503": _json("No room on disk", "Health")}
    return {
        "summary": "Whether it takes messages; for this machine alone",
        "operationId": "health",
        "security": [],
        "responses": {**said, **_problems(404)},
    }


def _itself() -> Doc:
    return {
        "summary": "This description",
        "operationId": "describe",
        "security": [],
        "responses": {
            "200": {
                "description": "OpenAPI",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    }


def _json(words: str, schema: str, headers: Doc | None = None) -> Doc:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": words, "content": content, **({"headers": headers} if headers else {})}


def _outcome(words: str) -> Doc:
    schema = {"$ref": "#/components/schemas/Resource"}
    return {"description": words, "content": {"application/fhir+json": {"schema": schema}}}


def _problems(*statuses: int) -> Doc:
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": schema}}
    return {str(s): {"description": _SAYS[s], "content": content} for s in statuses}


_SAYS = {
    400: "It cannot be read",
    401: "No valid token",
    403: "This sender may not send that",
    404: "No such thing",
    405: "Nothing is taken away here",
    409: "The same request is under way",
    412: "Another message already has this condition",
    413: "Longer than this intake takes",
    415: "Content of a kind that is not taken",
    422: "Refused, with the place of the fault",
    500: "Internal error",
    503: "No room: send again after Retry-After",
}
_WARD = {
    "name": "ward",
    "in": "query",
    "description": "Code, name or alias of a ward; a document needs one",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
}
_TITLE = {
    "name": "title",
    "in": "query",
    "description": "What a document is called",
    "schema": {"type": "string", "maxLength": 200},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,200}$"},
}
_NONE_EXIST = {
    "name": "If-None-Exist",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:=|/-]{1,200}$"},
}
_SCHEMAS: Doc = {
    "Envelope": {
        "type": "object",
        "required": ["format", "body"],
        "properties": {
            "format": {"const": "hl7v2"},
            "body": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
            "encoding": {"enum": ["text", "base64"]},
            "id": _TEXT,
            "sender": _TEXT,
        },
    },
    "Receipt": {
        "type": "object",
        "required": ["receipt_for"],
        "properties": {
            "receipt_for": {"type": "string", "minLength": 1},
            "status": {"enum": ["received", "refused", "failed"]},
            "by": _TEXT,
            "sender": _TEXT,
            "reason": _TEXT,
        },
    },
    "Resource": {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": _TEXT},
    },
    "Accepted": {
        "type": "object",
        "required": ["id", "control_id", "duplicate"],
        "properties": {"id": _ID, "control_id": _TEXT, "duplicate": {"type": "boolean"}},
    },
    "Answer": {"type": "object"},
    "State": {
        "type": "object",
        "required": ["id", "control_id", "received_at", "state", "deliveries"],
        "properties": {
            "id": _ID,
            "control_id": _TEXT,
            "received_at": {"type": "string", "format": "date-time"},
            "kind": _TEXT,
            "ward": _TEXT,
            "state": {"enum": ["open", "delivered", "superseded", "refused", "recorded"]},
            "refused": _TEXT,
            "deliveries": {"type": "array", "items": {"type": "object"}},
        },
    },
    "Standing": {
        "type": "object",
        "required": ["platform", "devices", "counts", "outage", "journal"],
        "properties": {
            name: {"type": "object"} for name in ("platform", "devices", "counts", "journal")
        },
    },
    "Outage": {
        "type": "object",
        "required": ["word", "reason"],
        "properties": {"word": {"enum": ["begin", "end"]}, "reason": _LINE, "by": _LINE},
    },
    "Pack": {
        "type": "object",
        "required": ["ward"],
        "properties": {"ward": _LINE, "by": _LINE},
    },
    "Health": {"type": "object", "properties": {"state": {"enum": ["ok", "full"]}}},
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "location": _TEXT,
            "code": {"type": "integer", "description": "HL7 table 0357"},
        },
    },
}
