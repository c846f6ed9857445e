"""The command `atlas dictionary`: directions of a layer, learned from pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigError, MissingError
from tasks.command import options, printing
from tasks.command.options import INTERRUPTED, AsJson, Config, Settings

if TYPE_CHECKING:
    import numpy as np

    from pipeline.atlas import Atlas
    from pipeline.config.schema import AtlasConfig
    from pipeline.examples.dictionary import Dictionary, Method
    from tasks.progress import Display

app = typer.Typer()
_BATCH = 16
_SHOWN = 10


@app.command()
def dictionary(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] LAYER")],
    pictures: Annotated[
        Path | None,
        typer.Option(help="A folder, a list of files or a Zarr array (the atlas's own images)."),
    ] = None,
    parts: Annotated[int, typer.Option(min=1, help="How many directions, at most.")] = 64,
    method: Annotated[str, typer.Option(help="nmf, pca, ica or sparse.")] = "nmf",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.safetensors", help="(LAYER-METHOD-PARTS)"),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the draw (the atlas's).")] = None,
    config: Config = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Learn directions of a layer from what it makes of pictures, and write them to a file.

    nmf: parts that add up and are nowhere below zero. pca: those along which most varies. ica:
    those that are independent. sparse: those of which few at a time make the whole. It says what to
    put into the configuration, so that they are units: LAYER@dir/NAME:all. Pictures stream through;
    of all places an even draw is kept. Network and size are those of the atlas in DIR, or of the
    configuration.
    """
    from pipeline.config.vectors import NAMED  # noqa: PLC0415
    from pipeline.examples.dictionary import METHODS  # noqa: PLC0415
    from pipeline.plan.units import folder_name  # noqa: PLC0415
    from tasks import progress  # noqa: PLC0415

    folder, layer = options.folder_and(arguments, "LAYER")
    if method not in METHODS:
        raise ConfigError(f"--method {method}: expected one of {', '.join(METHODS)}")
    path = output or Path(f"{folder_name(layer)}-{method}-{parts}.safetensors")
    if path.suffix != ".safetensors" or not path.absolute().parent.is_dir():
        raise ConfigError(f"-o {path}: expected a .safetensors file in a folder that is there")
    by = options.rendered_by(folder, config, settings)
    with progress.show(printing.err) as display:
        try:
            found = _learned(by, layer, pictures, parts, method, path, seed, display)
        except KeyboardInterrupt:
            printing.err.print("stopped: nothing was written")
            raise typer.Exit(INTERRUPTED) from None
    name = path.stem if NAMED.fullmatch(path.stem) else method
    if as_json:
        printing.show_json(
            {
                "file": path, "parts": len(found.parts), "explained": found.explained,
                "places": found.places, "shares": found.shares.tolist(), "settled": found.settled,
                "closest_channel": [f"{layer}:{number}" for number in found.nearest],
                "closest_cosine": found.cosines.tolist(),
            }
        )  # fmt: skip
        return
    _show(found, layer, path)
    printing.out.print(
        f"saved {path}; to see them, put into the configuration\n"
        f"directions: {{{name}: {path}}}\nand under units\n  - {layer}@dir/{name}:all",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _show(found: "Dictionary", layer: str, path: Path) -> None:
    """The parts that explain most."""
    table = printing.table("part", "variance", "closest channel", "cosine")
    for number in range(min(_SHOWN, len(found.parts))):
        table.add_row(
            str(number), f"{100 * found.shares[number]:.2f} %", f"{layer}:{found.nearest[number]}",
            f"{found.cosines[number]:.2f}",
        )  # fmt: skip
    printing.out.print(table)
    more = len(found.parts) - _SHOWN
    also = f"{more} more in {path}; " if more > 0 else ""
    printing.out.print(
        f"{also}{100 * found.explained:.1f} % of the variance of {found.places:,} places lies in "
        f"all {len(found.parts)}" + ("" if found.settled else "; it did not settle"),
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _learned(
    by: "Atlas | AtlasConfig",
    layer: str,
    pictures: Path | None,
    parts: int,
    method: "Method",
    path: Path,
    seed: int | None,
    display: "Display",
) -> "Dictionary":
    """Learn a dictionary and write it."""
    from pipeline import single  # noqa: PLC0415
    from pipeline.config.schema import AtlasConfig  # noqa: PLC0415
    from pipeline.examples import dictionary as learning  # noqa: PLC0415
    from pipeline.network import device  # noqa: PLC0415

    device.use("cpu")
    first = f":{layer}:0"
    known = single.planned(by, first) if isinstance(by, AtlasConfig) else by.provenance
    channels = known.architecture.layers[known.unit(first).layers[0]].channels
    learning.check(parts, channels, method)
    chosen = known.seed if seed is None else seed
    images, count = _images(by, pictures, known.size)
    display.start(0, count, "pictures")
    from pipeline.network.observer import Observer  # noqa: PLC0415, TensorFlow

    observer = Observer(known.locate_weights(), (layer,), known.reading)
    drawn = learning.Drawn(channels, chosen)
    seen = learning.draw(
        images, lambda some: observer.maps_of(some, _BATCH), drawn, display.advance, _BATCH
    )
    values = drawn.values()
    display.stage(f"learning {parts} parts of {len(values):,} places by {method}")
    found = learning.learn(values, parts, method, chosen % 2**32)
    about = {
        "layer": layer, "weights": known.weights.sha256, "method": method, "seed": chosen,
        "pictures": seen, "size": known.size,
    }  # fmt: skip
    found.save(path, about)
    return found


def _images(
    by: "Atlas | AtlasConfig", pictures: Path | None, size: int
) -> "tuple[Iterator[tuple[str, np.ndarray]], int]":
    """Pictures to learn from, with their names, and how many are expected."""
    from pipeline.config.schema import AtlasConfig  # noqa: PLC0415
    from pipeline.examples import source  # noqa: PLC0415

    if pictures is not None:
        listed = source.found_in(pictures)

        return ((of.id, image) for of, image in source.read_all(listed, size)), len(listed)
    if isinstance(by, AtlasConfig):
        raise ConfigError("there is no atlas to learn from: name pictures, --pictures FOLDER")
    ids = list(by.index.query("status == 'done'")["unit"])
    if not ids:
        raise MissingError(f"the atlas {by.folder} has no images yet: name pictures, --pictures")
    return ((unit, by.image(unit)) for unit in ids), len(ids)
