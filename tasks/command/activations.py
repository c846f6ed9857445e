"""The command `atlas activations`: an activation atlas of a layer, laid out from pictures."""

import contextlib
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigError, UnitError
from tasks.command import options, printing
from tasks.command.options import INTERRUPTED, AsJson, Config, Settings

if TYPE_CHECKING:
    from pipeline.atlas import Atlas
    from pipeline.config.schema import AtlasConfig
    from pipeline.examples.activations import Cells, Readout, Seen
    from pipeline.examples.labels import Labels
    from pipeline.examples.source import Picture
    from pipeline.plan.provenance import Provenance
    from tasks.progress import Display

app = typer.Typer()
_BATCH = 16
_LAID_OUT = 50_000
"""Places, at most: laying out more takes hours."""


@app.command()
def activations(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] LAYER")],
    pictures: Annotated[
        Path, typer.Option(help="A folder, a list of files or a Zarr array.", show_default=False)
    ],
    grid: Annotated[int, typer.Option(min=2, max=200, help="Cells a side.")] = 20,
    places: Annotated[
        int, typer.Option(min=16, max=_LAID_OUT, help="Places of pictures that are laid out.")
    ] = 8000,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv|FILE.parquet",
            help="Their labels, columns path and label (the names of their subfolders).",
        ),
    ] = None,
    crops: Annotated[
        bool,
        typer.Option("--crops", help="Names alike up to a last number are of one photograph."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.safetensors", help="(LAYER-activations)"),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the draw (the atlas's).")] = None,
    config: Config = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Lay out what a layer makes of pictures, and write the means of a grid's cells to a file.

    An activation atlas: the cells are directions, LAYER@dir/NAME:all, each at its place on the page
    and in `atlas mosaic --order activations`. A cell's class is what its places do most for: of
    the network's classifier, or, where there is none, of what reads the pictures' labels from the
    layer.
    """
    from pipeline.config.vectors import NAMED  # noqa: PLC0415
    from pipeline.examples.labels import Labels  # noqa: PLC0415
    from pipeline.plan.units import folder_name  # noqa: PLC0415
    from tasks import progress  # noqa: PLC0415

    folder, layer = options.folder_and(arguments, "LAYER")
    path = output or Path(f"{folder_name(layer)}-activations.safetensors")
    if path.suffix != ".safetensors" or not path.absolute().parent.is_dir():
        raise ConfigError(f"-o {path}: expected a .safetensors file in a folder that is there")
    by = options.rendered_by(folder, config, settings)
    wanted = (grid, places, seed)
    with progress.show(printing.err) as display:
        try:
            found, seen, read = _laid_out(
                by, layer, pictures, Labels(labels, crops), wanted, path, display
            )
        except KeyboardInterrupt:
            printing.err.print("stopped: nothing was written")
            raise typer.Exit(INTERRUPTED) from None
    name = path.stem if NAMED.fullmatch(path.stem) else "activations"
    if as_json:
        printing.show_json(
            {
                "file": path, "cells": len(found.places), "grid": grid,
                "pictures": len(seen.pictures), "places": len(seen.values),
                "labels": len(set(found.classes)), "accuracy": read and read.accuracy,
                "chance": read and read.chance,
            }
        )  # fmt: skip
        return
    _tell(found, seen, read)
    printing.out.print(
        f"saved {path}; to see them, put into the configuration\n"
        f"directions: {{{name}: {path}}}\nand under units\n  - {layer}@dir/{name}:all\n"
        "and after the build `atlas mosaic --order activations`, or the page's map",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _tell(found: "Cells", seen: "Seen", read: "Readout | None") -> None:
    said = (
        f"{len(found.places)} of {found.side} x {found.side} cells have three or more of "
        f"{len(seen.values):,} places of {len(seen.pictures):,} pictures"
    )
    if found.classes:
        said += f"; they are for {len(set(found.classes))} classes"
    if read is not None:
        rate = "" if read.accuracy is None else f", {read.accuracy:.0%} right by pictures unseen"
        said += f", of {len(read.names)} labels that a linear reading tells apart{rate}"
        said += f" (guessing: {read.chance:.0%})"
    printing.out.print(said, markup=False, highlight=False, soft_wrap=True)


def _laid_out(
    by: "Atlas | AtlasConfig",
    layer: str,
    pictures: Path,
    labels: "Labels",
    wanted: tuple[int, int, int | None],
    path: Path,
    display: "Display",
) -> "tuple[Cells, Seen, Readout | None]":
    """Lay out an activation atlas and write it."""
    from pipeline import single  # noqa: PLC0415
    from pipeline.config.schema import AtlasConfig  # noqa: PLC0415
    from pipeline.examples import activations as laying  # noqa: PLC0415
    from pipeline.examples import source  # noqa: PLC0415
    from pipeline.explore import places as plane  # noqa: PLC0415
    from pipeline.network import device  # noqa: PLC0415

    grid, most, given = wanted
    device.use("cpu")
    first = f":{layer}:0"
    known = single.planned(by, first) if isinstance(by, AtlasConfig) else by.provenance
    layer = known.unit(first).layers[0]
    seed = known.seed if given is None else given
    listed = labels.put(source.found_in(pictures))
    chosen = laying.drawn(listed, most, seed)
    display.start(0, len(chosen), "pictures")
    seen = _seen(known, layer, chosen, max(1, most // len(chosen)), seed, display)
    read, names = None, known.classes
    if seen.classes is None and any(picture.labels for picture in seen.pictures):
        display.stage("reading labels")
        read = laying.readout(seen, seed % 2**32)
        seen, names = laying.read_by(seen, read), read.names
    elif seen.classes is not None:
        numbers = range(seen.classes.shape[1])
        names = tuple(name or str(n) for n, name in zip_longest(numbers, known.classes))
    display.stage(f"laying out {len(seen.values):,} places")
    spots = plane.layout(seen.values, seed % 2**32)
    found = laying.cells(seen, spots, grid, names)
    about = {
        "layer": layer, "weights": known.weights.sha256, "seed": seed,
        "pictures": len(seen.pictures), "places": len(seen.values), "size": known.size,
    }  # fmt: skip
    found.save(path, about)
    return found, seen, read


def _seen(
    known: "Provenance",
    layer: str,
    chosen: "list[Picture]",
    each: int,
    seed: int,
    display: "Display",
) -> "Seen":
    """What the layer makes of places of pictures, and what these do for the classes."""
    from pipeline.examples import activations as laying  # noqa: PLC0415
    from pipeline.examples import source  # noqa: PLC0415
    from pipeline.network.attribution import Attributor  # noqa: PLC0415, TensorFlow, as below
    from pipeline.network.observer import Observer  # noqa: PLC0415

    weights = known.locate_weights()
    observer = Observer(weights, (layer,), known.reading)
    attribute: laying.Attribute | None = None
    if known.architecture.classes is not None:
        with contextlib.suppress(UnitError):  # the layer does not lead to the classes
            attributor = Attributor(weights, layer, known.reading)
            attribute = partial(attributor.attributed, batch=_BATCH)
    images = source.read_all(chosen, known.size)
    return laying.see(
        images, lambda some: observer.maps_of(some, _BATCH), each, seed, display.advance,
        attribute, _BATCH,
    )  # fmt: skip
