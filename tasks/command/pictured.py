"""The commands `atlas invert` and `atlas caricature`: what layers make of a picture."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigError
from tasks.command import options, printing
from tasks.command.options import AsJson, Config, Settings

if TYPE_CHECKING:
    import numpy as np

    from pipeline.plan.provenance import Provenance
    from pipeline.plan.units import Kind
    from pipeline.single import Single

app = typer.Typer()
_TILE = 256
_FOLDER = "Write each layer's image there, too, as LAYER.png."

Arguments = Annotated[
    list[str], typer.Argument(metavar="[DIR] PICTURE", help="An atlas, and a picture's file.")
]
Layers = Annotated[
    list[str] | None,
    typer.Option("--layer", help="A layer; again for more (those of the atlas's units)."),
]
Strip = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE.png|FILE.pdf", help="The strip (PICTURE-HOW.png)"),
]
Images = Annotated[Path | None, typer.Option("--images", metavar="FOLDER", help=_FOLDER)]


@app.command()
def invert(
    arguments: Arguments,
    layer: Layers = None,
    output: Strip = None,
    images: Images = None,
    config: Config = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Draw what each layer keeps of a picture: images with the activations that it has there.

    A strip, the picture first. Under each image stands which part of the picture's activations it
    has, 1 for all of them; where a layer does not see something, it is free. By the recipe, network
    and size of the atlas in DIR, or of the configuration.
    """
    from pipeline.plan.kinds import INVERSION  # noqa: PLC0415

    paths = (output, images)
    _draw(INVERSION, arguments, layer or [], paths, (config, settings), as_json=as_json)


@app.command()
def caricature(
    arguments: Arguments,
    layer: Layers = None,
    output: Strip = None,
    images: Images = None,
    config: Config = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Draw what each layer sees in a picture, exaggerated: images far along its activations.

    As `atlas invert`, but by dot product x cosine² with the picture's activations. Under each image
    stands how far it goes; the picture itself goes 1.
    """
    from pipeline.plan.kinds import CARICATURE  # noqa: PLC0415

    paths = (output, images)
    _draw(CARICATURE, arguments, layer or [], paths, (config, settings), as_json=as_json)


def _draw(
    kind: "Kind",
    arguments: list[str],
    layers: Sequence[str],
    paths: tuple[Path | None, Path | None],
    by_what: tuple[Path | None, list[str] | None],
    *,
    as_json: bool,
) -> None:
    from pipeline import single  # noqa: PLC0415
    from pipeline.config.schema import AtlasConfig  # noqa: PLC0415
    from pipeline.examples import where  # noqa: PLC0415
    from pipeline.sheets import paper  # noqa: PLC0415

    folder, name = options.folder_and(arguments, "PICTURE")
    picture, images = Path(name), paths[1]
    strip = paper.check(paths[0] or Path(f"{picture.stem}-{kind.name}.png"))
    if images is not None and not images.absolute().parent.is_dir():
        raise ConfigError(f"--images {images}: there is no folder {images.absolute().parent}")
    where.read(picture, 8)  # before a network is read
    by = options.rendered_by(folder, *by_what)
    if isinstance(by, AtlasConfig):
        known = single.planned(by, *(f":{name}:0" for name in layers))
    else:
        known = by.provenance
    named = list(layers) or [layer.name for layer in known.layers()]
    found = single.render_picture(kind, picture, named, known)
    shown = where.read(picture, known.size)
    _save(kind, found, named, picture.name, shown, strip, images)
    if as_json:
        figures = ("unit", "start", "activation", "robust", "seconds")
        rows = [{name: getattr(each, name) for name in figures} for each in found]
        printing.show_json({"units": rows, "file": strip, "images": images})
        return
    _tell(found, named, known)
    saved = f"saved {strip}" + (f", and the images in {images}" if images else "")
    printing.out.print(saved, markup=False, highlight=False, soft_wrap=True)


def _save(
    kind: "Kind",
    found: "Sequence[Single]",
    layers: Sequence[str],
    name: str,
    shown: "np.ndarray",
    strip: Path,
    images: Path | None,
) -> None:
    """The strip, and the images by themselves."""
    from pipeline.plan.units import folder_name  # noqa: PLC0415
    from pipeline.sheets import contact, paper  # noqa: PLC0415

    cells = [contact.Cell(lambda: shown, [name])]
    for layer, each in zip(layers, found, strict=True):
        pixels = partial(_pixels, each)
        cells.append(contact.Cell(pixels, [layer, f"{each.activation:.2f}"]))
    heading = {"inversion": "What layers keep of", "caricature": "What layers see in"}[kind.name]
    paper.save(contact.in_grid(cells, f"{heading} {name}", _TILE, len(cells)), strip)
    if images is not None:
        images.mkdir(exist_ok=True)
        for layer, each in zip(layers, found, strict=True):
            each.save(images / f"{folder_name(layer)}.png")


def _pixels(of: "Single") -> "np.ndarray":
    return of.image


def _tell(found: "Sequence[Single]", layers: Sequence[str], known: "Provenance") -> None:
    printing.show_elsewhere(known)
    table = printing.table("layer", "at the start", "at the end", "robust", "seconds")
    for layer, each in zip(layers, found, strict=True):
        figures = (each.start, each.activation, each.robust)
        table.add_row(layer, *(f"{value:.3f}" for value in figures), f"{each.seconds:.1f}")
    printing.out.print(table)
