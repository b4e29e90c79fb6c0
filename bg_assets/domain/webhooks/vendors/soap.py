"""Outbound messages of Salesforce: the notifications in a SOAP envelope, and what it is answered.

Read by the parser that is behind all of Python's XML, with everything refused that could make it
grow or look elsewhere: a document type, entities, processing instructions.
"""

from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.parsers import expat

from bg_assets.domain.webhooks.fields import UnfitField

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
_TYPE = "http://www.w3.org/2001/XMLSchema-instance type"
_NIL = "http://www.w3.org/2001/XMLSchema-instance nil"
_DEEPEST = 12
MOST = 100


@dataclass(slots=True)
class _Node:
    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)
    children: list["_Node"] = field(default_factory=list)

    def child(self, name: str) -> "_Node | None":
        return next((one for one in self.children if one.name == name), None)

    @property
    def value(self) -> str | None:
        if self.attributes.get(_NIL) in ("true", "1"):
            return None
        return "".join(self.text)


def notifications(body: bytes) -> list[dict[str, Any]]:
    """The notifications in a message: their fields, the type of the record, and its id.

    Raises UnfitField for ``body``.
    """
    envelope = _parsed(body)
    outer = envelope.child(f"{_ENVELOPE} Body")
    message = outer.child(f"{_OUTBOUND} notifications") if outer else None
    if envelope.name != f"{_ENVELOPE} Envelope" or message is None:
        raise UnfitField("body", "is no outbound message of Salesforce in SOAP")
    found = [one for one in message.children if one.name == f"{_OUTBOUND} Notification"]
    if len(found) > MOST:
        raise UnfitField("body", f"holds more than {MOST} notifications")
    return [_record(one) for one in found]


def acknowledgement() -> bytes:
    """What tells Salesforce that all of a message is stored, so that it is not sent again."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}"><soapenv:Body>'
        f'<notificationsResponse xmlns="{_OUTBOUND}"><Ack>true</Ack></notificationsResponse>'
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()


def _record(notification: _Node) -> dict[str, Any]:
    number = notification.child(f"{_OUTBOUND} Id")
    record = notification.child(f"{_OUTBOUND} sObject")
    if number is None or record is None:
        raise UnfitField("body", "holds a notification without an Id or an sObject")
    fields: dict[str, Any] = {_local(one.name): one.value for one in record.children}
    # The type comes with the prefix of its namespace.
    kind = record.attributes.get(_TYPE, "").rpartition(":")[2]
    return {**fields, "type": kind, "Notification": {"Id": number.value}}


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _parsed(body: bytes) -> _Node:
    parser = expat.ParserCreate(namespace_separator=" ")
    top = _Node("", {})
    stack = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise UnfitField("body", "is XML that is nested too deeply")
        node = _Node(name, attributes)
        stack[-1].children.append(node)
        stack.append(node)

    def end(_name: str) -> None:
        stack.pop()

    def text(found: str) -> None:
        stack[-1].text.append(found)

    def refuse(*_of_it: object) -> NoReturn:
        raise UnfitField("body", "holds a document type, an entity or an instruction")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise UnfitField("body", "is not XML") from None
    return top.children[0]
