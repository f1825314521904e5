"""The errors that are meant for a person."""


class UserError(Exception):
    """A mistake a user can mend: the message says what is wrong, where, and what to do.

    Command-line entry points print the message alone, without a traceback, and exit with 2.
    """


class ContractError(Exception):
    """A framework folder broke the contract: a name missing or left over, a shape that differs."""
