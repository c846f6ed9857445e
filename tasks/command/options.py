"""What commands share: options, and how words become a configuration or an atlas."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from pipeline.errors import ConfigError
from tasks.command import printing

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.atlas import Atlas
    from pipeline.config.schema import AtlasConfig

DEFAULT_CONFIG = Path("atlas_config.yaml")
INTERRUPTED = 130
"""The exit code where somebody pressed Ctrl-C."""
_ID = re.compile(r"-[^-].*:\S|-:")
_HIDDEN = "\0"
"""What stands before the id of a negative unit while the words are parsed."""


class TakesUnits(TyperCommand):
    """A command whose arguments may be ids of negative units, such as -mixed4:3."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse words among which such ids are no options, and stay where they are."""
        end = args.index("--") if "--" in args else len(args)
        hidden = [_HIDDEN + arg if _ID.match(arg) else arg for arg in args[:end]] + args[end:]
        rest = super().parse_args(ctx, hidden)
        ctx.params = {name: _shown(value) for name, value in ctx.params.items()}
        return rest


def _shown(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_shown(item) for item in value)
    is_hidden = isinstance(value, str) and value.startswith(_HIDDEN)
    return value.removeprefix(_HIDDEN) if is_hidden else value


Config = Annotated[
    Path | None, typer.Option("-c", "--config", help=f"The configuration ({DEFAULT_CONFIG}).")
]
Output = Annotated[
    str | None, typer.Option("-o", "--output", help="The atlas folder (the configuration's).")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key, as in --set image.size=64."),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="IDS",
        help="Compute just these now: mixed4:42,mixed2:7; repeatable.",
    ),
]
Folder = Annotated[
    str | None, typer.Argument(metavar="[DIR]", help="The atlas folder (the configuration's).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]
Sort = Annotated[str | None, typer.Option(help="Sort by a column; -COLUMN for descending order.")]
Columns = Annotated[str | None, typer.Option(help="Columns, as in unit,activation.")]
Form = Annotated[printing.Format, typer.Option("--format", help="How to print.")]


def load_config(
    path: Path | None = None, output: str | None = None, settings: list[str] | None = None
) -> "AtlasConfig":
    """The configuration that is named, or the one that is here."""
    from pipeline.config import yaml_file  # noqa: PLC0415

    config = yaml_file.load(path or DEFAULT_CONFIG, settings or ())
    return config.model_copy(update={"output": output}) if output else config


def config_or_default(path: Path | None, settings: list[str] | None) -> "AtlasConfig":
    """The configuration, or the defaults where none is named and none is here."""
    from pipeline.config import yaml_file  # noqa: PLC0415

    if path is None and not DEFAULT_CONFIG.exists():
        return yaml_file.parse("units: ['mixed4:0']", "the defaults", settings or ())
    return yaml_file.load(path or DEFAULT_CONFIG, settings or ())


def rendered_by(
    folder: str | None, path: Path | None, settings: list[str] | None
) -> "Atlas | AtlasConfig":
    """What a unit is rendered by: the atlas or the configuration that is named.

    If none is: the atlas of the configuration that is here, or that configuration where there is
    no atlas yet.
    """
    from pipeline.atlas import Atlas  # noqa: PLC0415
    from pipeline.store.store import Store  # noqa: PLC0415

    named = path is not None or bool(settings)
    if folder is not None and named:
        raise ConfigError(
            f"expected either an atlas, came {folder}, or a configuration, came -c or --set: an "
            "atlas's units are rendered by its own; leave one out"
        )
    if folder is not None:
        return Atlas.open(folder)
    made = config_or_default(path, settings)
    return made if named or not Store.exists(made.output) else Atlas.open(made.output)


def open_atlas(folder: str | None) -> "Atlas":
    """The atlas in a folder, or in the configuration's."""
    from pipeline.atlas import Atlas  # noqa: PLC0415

    if folder is None and not DEFAULT_CONFIG.exists():
        raise ConfigError(
            f"no atlas folder is named, and here is no {DEFAULT_CONFIG} that names one: name it, "
            "as in `atlas status DIR`, or let `atlas init` write a configuration"
        )
    return Atlas.open(folder or load_config().output)


def folder_and(arguments: list[str], what: str) -> tuple[str | None, str]:
    """An atlas folder, if one is named, and the last argument."""
    if len(arguments) > 2:
        raise ConfigError(
            f"expected [DIR] {what}, came {len(arguments)} arguments: put {what} in quotes"
        )
    return (arguments[0] if len(arguments) == 2 else None), arguments[-1]


def folder_and_units(arguments: list[str]) -> tuple[str | None, list[str]]:
    """An atlas folder, if the first argument is no id but a folder or an address; and the rest."""
    first = arguments[0] if arguments else ":"
    is_folder = ":" not in first or "://" in first or Path(first).is_dir()
    return (first, arguments[1:]) if is_folder else (None, arguments)


def chosen(
    frame: "pd.DataFrame", columns: str | None, few: list[str], form: printing.Format
) -> "pd.DataFrame":
    """The columns that are asked for; else all for a file, and few for a table, if not empty."""
    if columns is None:
        if form is not printing.Format.TABLE:
            return frame
        return frame[[name for name in few if frame.empty or frame[name].notna().any()]]
    names = listed(columns)
    from pipeline.explore.query import check_columns  # noqa: PLC0415

    check_columns(frame, names)
    return frame[names]


def listed(columns: str) -> list[str]:
    """Names that are joined by commas."""
    return [name.strip() for name in columns.split(",")]
