"""What can go wrong, in three families: what was asked wrongly, what is not there, what failed.

AtlasError
├── UsageError            exit code 2: it was asked for wrongly; nothing was written
│   ├── ConfigError       the configuration, an option, or an argument
│   ├── UnitError         an id that is malformed, or names what the network has not
│   ├── WeightsError      a weights file that is missing, damaged, or does not fit
│   ├── AtlasFolderError  a folder that is no atlas, another's, or in use
│   └── ChangedError      what is to be replaced is not what it was thought to be
├── MissingError          exit code 2: this atlas does not have it, or not yet
│   └── NotMeasuredError  responses, pictures, snapshots: what was not measured, shown or kept
└── WorkError             exit code 1: the work failed
    ├── DamageError       stored data that does not match its record
    └── StorageError      the atlas folder cannot be written or read any more
"""


class AtlasError(Exception):
    """Anything this project raises for a person to read."""


class UsageError(AtlasError):
    """What was asked for cannot be done; nothing was written."""


class ConfigError(UsageError):
    """The configuration, an option or an argument is wrong."""


class UnitError(UsageError):
    """An id is malformed, or names what the network has not."""


class WeightsError(UsageError):
    """A weights file is missing, damaged, or does not fit."""


class AtlasFolderError(UsageError):
    """A folder is no atlas, another configuration's, or in use."""


class ChangedError(UsageError):
    """What is to be replaced is not what it was thought to be: somebody changed it meanwhile."""


class MissingError(AtlasError):
    """This atlas does not have what was asked for, or not yet: a unit, a page, a measurement."""


class NotMeasuredError(MissingError):
    """Responses, pictures or snapshots were not measured, shown or kept in this atlas (yet)."""


class WorkError(AtlasError):
    """The work itself failed; what was committed before stays."""


class DamageError(WorkError):
    """Stored data does not match the record that committed it."""


class StorageError(WorkError):
    """The atlas folder cannot be written or read any more: no room, no right, or not there."""
