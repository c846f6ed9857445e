"""The commands of pages: `atlas view` serves them, `atlas site` writes them into a folder."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigError
from tasks.command import options, printing

if TYPE_CHECKING:
    from pipeline.together.opened import Opened

app = typer.Typer()
Atlases = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DIR|NAME=DIR]...",
        help="The atlas folder (the configuration's); of several, units side by side.",
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        metavar="id|nearest",
        help="How units of several atlases are put together (by id, where they share any).",
    ),
]


@app.command()
def view(
    atlases: Atlases = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1; 0 is any free one.")
    ] = 8765,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    by: By = None,
) -> None:
    """Serve the atlas's page on this machine alone, and open the browser. Ctrl-C ends it.

    Names and notes that are typed there go into the atlas. Several atlases, as by two recipes or
    before and after fine-tuning, are shown side by side, what changed most first.
    """
    import webbrowser  # noqa: PLC0415, not needed elsewhere

    from pipeline.publish.serve import HOST  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        if len(atlases or ()) > 1:
            from tasks.serving.several import several  # noqa: PLC0415

            server = stack.enter_context(several(_opened(atlases or ()), port, by))
        else:
            from tasks.serving.view import view as serving  # noqa: PLC0415

            _check_one(by)
            server = stack.enter_context(serving(options.open_atlas(_only(atlases)).folder, port))
        address = f"http://{HOST}:{server.server_port}/"
        printing.out.print(f"{address}  (Ctrl-C ends it)", highlight=False)
        if browser:
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


@app.command()
def site(
    atlases: Atlases = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FOLDER", help="Where it is written.")
    ] = "site",
    by: By = None,
) -> None:
    """Write the page of an atlas, or of several side by side, into a folder for any web server.

    Again, it writes what changed. Of several, FOLDER/index.html leads to each one's own page.
    """
    from pipeline.store.place import at  # noqa: PLC0415, slow to import

    folder = at(output)
    if len(atlases or ()) > 1:
        from pipeline.together import page  # noqa: PLC0415

        found = _opened(atlases or ())
        _say(page.write(found, folder, by, tell=lambda name: _say([f"the page of {name}"])))
        where = page.NAME
    else:
        from pipeline.publish import site as pages  # noqa: PLC0415

        _check_one(by)
        pages.write(options.open_atlas(_only(atlases))._store, into=folder)
        where = pages.NAME
    printing.out.print(f"saved {output}: open {output}/{where}", markup=False, highlight=False)


def _opened(atlases: Sequence[str]) -> "Opened":
    """Several atlases; said is why others are left out."""
    from pipeline.together.opened import opened  # noqa: PLC0415

    found = opened(atlases)
    _say([f"{name} is left out: {reason}" for name, reason in found.reasons.items()])
    return found


def _only(atlases: list[str] | None) -> str | None:
    return atlases[0].partition("=")[2] or atlases[0] if atlases else None


def _check_one(by: str | None) -> None:
    if by is not None:
        raise ConfigError("--by: expected several atlases, as in `atlas view before after`")


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        printing.err.print(line, markup=False, highlight=False)
