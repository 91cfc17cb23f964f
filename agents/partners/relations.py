"""What partners call a relationship, as the hub's codes (schemas/codes/relationships.toml)."""

from __future__ import annotations

from agents.partners.words import or_none, plain
from schemas.records import Remark

_WORDS = {
    "mother": "mother mum mummy mam birthmother biologicalmother",
    "father": "father dad daddy birthfather biologicalfather",
    "parent": "parent parentcarer",
    "step-parent": "stepparent stepmother stepfather stepmum stepdad",
    "adoptive-parent": "adoptiveparent adoptivemother adoptivefather",
    "foster-carer": "fosterparent fostercarer fostermother fosterfather",
    "carer": "carer",
    "guardian": "guardian legalguardian specialguardian",
    "grandparent": "grandparent grandmother grandfather nan nana gran granny grandad granddad",
    "aunt-or-uncle": "aunt auntie uncle auntoruncle",
    "sibling": "sibling brother sister",
    "half-sibling": "halfsibling halfbrother halfsister",
    "step-sibling": "stepsibling stepbrother stepsister",
    "partner": "partner motherspartner fatherspartner parentspartner",
    "other-relative": "otherrelative relative cousin familymember",
    "other-adult": "other otheradult friend familyfriend childminder",
}
_CODES = {word: code for code, words in _WORDS.items() for word in words.split()}


def relationship(said: str, path: str) -> tuple[str, list[Remark]]:
    """Return the code for what a list of parents says; `parent` where it says nothing, or nothing known."""
    if or_none(said) is None:
        return "parent", []
    if code := _CODES.get(plain(said)):
        return code, []
    return "parent", [
        Remark(
            path,
            "unknown-relationship",
            "The relationship is not one the hub knows; taken as parent",
            "Say mother, father, parent, step-parent, carer or grandparent",
        )
    ]
