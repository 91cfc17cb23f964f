"""What can be wrong with what a partner sent, as types.

    HearthError
    ├── Refusal        the record breaks the contract: quarantine it, never retry by itself
    ├── Unsealable     the person's key was destroyed, or is not known: show a tombstone
    │   └── KeyDestroyed   it is known to have been destroyed: what comes of that person leaves a tombstone
    └── Misconfigured  the hub's own files are wrong: do not start

No message ever holds a value that a partner sent: it names the field by its path and says how to mend it.
"""

from __future__ import annotations


class HearthError(Exception):
    """Root of every error that Hearth raises on purpose."""


class Refusal(HearthError):
    """A record that breaks the contract.

    `path` is the field (`data.persons[0].birth_date`), `code` a stable kebab-case name of the problem
    (`unknown-code`), `problem` and `fix` are sentences without any value from the record.
    """

    def __init__(self, path: str, code: str, problem: str, fix: str) -> None:
        super().__init__(f"{path}: {problem}. {fix}")
        self.path = path
        self.code = code
        self.problem = problem
        self.fix = fix


class Unsealable(HearthError):
    """The key that would open this was destroyed, or the seal does not match its label."""


class KeyDestroyed(Unsealable):
    """The person's key was destroyed for good: nothing can be sealed for them either."""


class Misconfigured(HearthError):
    """A file the hub runs on (schema, code list, policy, rule, agreement) is wrong."""
