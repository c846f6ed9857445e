"""What can go wrong, by who can mend it.

AtlasError
├── UsageError            exit code 2: what was asked for; nothing was written
│   ├── ConfigError       the configuration, or an option
│   ├── UnitError         an id that is malformed, or names what the network has not
│   ├── WeightsError      a weights file that is missing, damaged, or does not fit
│   └── AtlasFolderError  a folder that is no atlas, another's, or in use
└── WorkError             exit code 1: the work failed
    ├── DamageError       stored data that does not match its record
    └── StorageError      the atlas folder cannot be written or read any more
"""


class AtlasError(Exception):
    """Anything this project raises for a person to read."""


class UsageError(AtlasError):
    """What was asked for cannot be done; nothing was written."""


class ConfigError(UsageError):
    """The configuration, or an option, is wrong."""


class UnitError(UsageError):
    """An id is malformed, or names what the network has not."""


class WeightsError(UsageError):
    """A weights file is missing, damaged, or does not fit."""


class AtlasFolderError(UsageError):
    """A folder is no atlas, another configuration's, or in use."""


class WorkError(AtlasError):
    """The work itself failed; what was committed before stays."""


class DamageError(WorkError):
    """Stored data does not match the record that committed it."""


class StorageError(WorkError):
    """The atlas folder cannot be written or read any more: no room, no right, or not there."""
