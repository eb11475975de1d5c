"""The errors of a user's mistake, which commands print in one line."""


class UserError(ValueError):
    """Something that the user gave cannot be used; the message names it and says what would be right."""


class MissingFileError(UserError, FileNotFoundError):
    """A file that the user named is not there."""


class ExistingFileError(UserError, FileExistsError):
    """A file that would be written is there already."""


class MissingPackageError(UserError, ImportError):
    """A package is missing; the message says how to install it."""
