"""The question put to the policies: a small tuple of enumerated values, so that its answer can be kept.

Everything that depends on time or on people is resolved before (consent/register.py): the policy reads states,
never dates. Values are the kebab-case names in consent/policy/hearth.cedarschema.
"""

from __future__ import annotations

from typing import NamedTuple


class Request(NamedTuple):
    """One question. Every field is a short enumerated string, so the whole is a dictionary key.

    The recipient of a `link` is the hub itself (role `hub`, sector `hub`). It stands on the decision's record as an
    array: new fields go at the end, with a default, so that what was asked earlier can still be read.
    """

    action: str  # link | disclose | find
    role: str  # recipient's role, schemas/codes/practitioner-roles.toml; `hub` for link
    sector: str  # recipient's sector: hub | statutory | voluntary
    clearance: str  # normal | sensitive | shielded | sealed
    involved: str  # involved | not-involved | break-glass: with this family, now
    party: str  # none | subject | alleged | linked | household | managed-by-one
    category: str  # consent/sharing/categories.toml
    sensitivity: str  # none, or the sensitive kind: sexual-health | contraception | hiv | adoption | ...
    tier: str  # the item's: normal | sensitive | shielded | sealed
    publisher: str  # the publishing agency
    purpose: str  # consent/sharing/purposes.toml
    sharing_agreement: str  # in-date | out-of-date | none: between publisher and recipient for this purpose
    agreement: str  # in-force | none | refused | withdrawn | out-of-scope | expired | disputed
    # none | significant-harm | s47 | encompass | vital-interests | statutory-duty: open for this child, or the
    # item's own
    ground: str
    approver: str  # none | named: a named approver for a sensitive category
    # not-tested | none | more-detrimental: has anyone asked whether telling harms the child more than not telling?
    detriment: str = "not-tested"
    # the recipient's kind of body in law: hub | local-authority | police | probation | nhs | school | voluntary | other
    body: str = "other"
    override: str = "none"  # none | recorded: a reason to go on before the threshold without agreement, by whom
    # not-in-question | competent | not-assessed | not-competent | another-agreed: whose the agreement in force is
    competence: str = "not-in-question"
    public_interest: str = "not-weighed"  # not-weighed | favours-sharing | favours-confidence
    opt_out: str = "not-checked"  # not-checked | none | opted-out: the national data opt-out, for secondary use
    problems: str = "not-counted"  # not-counted | one | two-or-more: what makes a multiple disadvantage
    restricted: str = "none"  # none | restricted: the processing of what is about this person (UK GDPR Art 18, Art 21)
