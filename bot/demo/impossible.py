"""What a person in a stand-in cannot do."""


class ImpossibleError(LookupError):
    """It cannot be done, because it is not there or is not for this person; the first line of the message says why."""
