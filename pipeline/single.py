"""Rendering units without an atlas: the same engine, seed and shapes as a build's."""

import contextlib
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pipeline.config.given import Given, configuration
from pipeline.config.schema import AtlasConfig, Build
from pipeline.errors import AtlasError, ConfigError, WeightsError, WorkError
from pipeline.network import device
from pipeline.network.apart import apart
from pipeline.plan.kinds import CARICATURE, INVERSION, of_picture
from pipeline.plan.provenance import Provenance
from pipeline.plan.resolve import resolve_provenance
from pipeline.plan.units import Kind, Picture, Unit

if TYPE_CHECKING:
    import keras

    from pipeline.ascent.results import Results
    from pipeline.atlas import Atlas

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False, repr=False)
class Single:
    """A finished unit of no atlas; a notebook shows its image and figures.

    Attributes:
        unit: its id.
        image: (size, size, 3) uint8 RGB.
        film: (snapshots + 1, size, size, 3) uint8 RGB, the image last.
        trajectory: the plain activation seen at each step, (steps,) float32.
        activation: of the image.
        robust: its robust activation, the mean over 16 small shifts, turns and scales.
        start: activation before the first step.
        seconds: what rendering took.
    """

    unit: str
    image: np.ndarray
    film: np.ndarray
    trajectory: np.ndarray
    activation: float
    robust: float
    start: float
    seconds: float

    def save(self, path: str | Path) -> None:
        """Write the image as a .png.

        Raises:
            ConfigError: a file that cannot be.
        """
        from pipeline.sheets import png  # noqa: PLC0415, Pillow is not needed to render

        png.save(self.image, path)

    def save_film(self, path: str | Path) -> None:
        """Write the film as an animated .webp, .gif or .png. Raises as `save`."""
        from pipeline.sheets import film  # noqa: PLC0415, Pillow is not needed to render

        try:
            film.save(self.film, path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error

    def __repr__(self) -> str:
        return f"Single({self.unit!r}, {self.activation:.4g}, {len(self.image)} px)"

    def _repr_html_(self) -> str:
        from pipeline.notebook import cards  # noqa: PLC0415, Pillow is not needed to render

        names = ("activation", "robust", "start", "seconds")
        return cards.glance(self.unit, self.image, {n: getattr(self, n) for n in names})


def render_unit(
    unit: str,
    config: Given | None = None,
    *,
    atlas: "Atlas | str | Path | None" = None,
    model: "keras.Model | str | Path | None" = None,
    size: int | None = None,
    recipe: str | None = None,
    seed: int | None = None,
    snapshots: int | None = None,
) -> Single:
    """Render one unit, without an atlas: a picture, and how strongly it excites the unit.

    >>> render_unit("mixed4:42")
    >>> render_unit("block5_conv1:3", model=my_keras_model)
    >>> render_unit("logits:207", model="net.keras", size=160, recipe="draft")
    >>> render_unit("mixed4:42", atlas="data/atlas", snapshots=24).save_film("way.webp")

    The image is, byte for byte, the one that an atlas of the same configuration holds. For that
    the work is done in a process of its own, which takes some seconds to start and ends with the
    call: TensorFlow's threads and Keras' state cannot be set any more where they are in use, and
    in yours they stay as they are. For many units `tasks.build_atlas` is faster.

    Args:
        unit: its id, as in `mixed4:42`; docs/configuration.md lists the forms.
        config: a configuration, the path of its YAML file, or what such a file says, as a mapping.
            Its own `units` and `output` do not matter, and a mapping needs none. If nothing is
            said, everything is as by default.
        atlas: an atlas, or its folder, whose picture of the unit this is to be, whether it holds it
            or not; of the rest, only `snapshots` goes with it.
        model: the network: a Keras model in memory, which is left as it is, the path of a .keras,
            .h5 or .weights.h5 file, or `imagenet`, `bundled` or `auto`; in place of
            `model.weights`.
        size: side of the image in pixels, in place of `image.size`.
        recipe: `fourier`, `draft`, `article`, `maco`, `classes` or `true`, in place of `recipe`.
        seed: in place of `seed`.
        snapshots: images of the film before the last, in place of `render.snapshots`.

    Raises:
        ConfigError: the configuration says what cannot be.
        UnitError: the id is malformed, or names nothing in the network.
        WeightsError: the model is not there, does not load, or is none of RGB images; or the
            atlas's is not there any more, or is another.
        AtlasFolderError: the folder is missing, or is no atlas.
        WorkError: rendering failed, or took longer than `build.longest_batch`.
    """
    settings = {
        "image.size": size, "recipe": recipe, "seed": seed, "render.snapshots": snapshots,
    }  # fmt: skip
    if atlas is not None:
        _refuse_both(config=config, model=model, size=size, recipe=recipe, seed=seed)
        return _apart(partial(_render, unit), unit, _of_atlas(atlas, snapshots))
    with _configured(config, [unit], model, settings) as made:
        return _apart(partial(_render, unit), unit, made)


def invert(
    picture: str | Path,
    layers: Sequence[str],
    config: Given | None = None,
    *,
    atlas: "Atlas | str | Path | None" = None,
    model: "keras.Model | str | Path | None" = None,
    size: int | None = None,
    recipe: str | None = None,
    seed: int | None = None,
) -> list[Single]:
    """Find images with the activations that a picture has, a layer each: what a layer keeps of it.

    >>> invert("cat.jpg", ["mixed0", "mixed2", "mixed4"])

    After Mahendran and Vedaldi (2015), "Understanding deep image representations by inverting
    them", by an atlas's recipe in place of their priors: at every step image and picture are looked
    at through the same transforms. The `activation` of what is found is the part of the picture's
    activations that it has, 1 - |seen - wanted|² / |wanted|². Where the work is done is as for
    `render_unit`.

    Args:
        picture: a file, which is cut to its middle square.
        layers: their names.
        config: as for `render_unit`, and so are all others.

    Returns:
        What was found for each of the layers, in their order.

    Raises:
        ConfigError: the picture cannot be read, or the configuration says what cannot be.
        UnitError: the network has no such layer.
        WeightsError, AtlasFolderError, WorkError: as `render_unit`.
    """
    settings = {"image.size": size, "recipe": recipe, "seed": seed}
    return _of_picture(INVERSION, picture, layers, config, atlas, model, settings)


def caricature(
    picture: str | Path,
    layers: Sequence[str],
    config: Given | None = None,
    *,
    atlas: "Atlas | str | Path | None" = None,
    model: "keras.Model | str | Path | None" = None,
    size: int | None = None,
    recipe: str | None = None,
    seed: int | None = None,
) -> list[Single]:
    """Find images that go far along the activations that a picture has: what a layer sees in it.

    >>> caricature("cat.jpg", ["mixed0", "mixed2", "mixed4"])

    Lucid's feature inversion by dot product × cosine², over the whole map. The `activation` of what
    is found is its dot product with the picture's activations, in those of the picture with itself.
    Arguments, results and errors as of `invert`.
    """
    settings = {"image.size": size, "recipe": recipe, "seed": seed}
    return _of_picture(CARICATURE, picture, layers, config, atlas, model, settings)


def _of_picture(
    kind: Kind,
    picture: str | Path,
    layers: Sequence[str],
    config: Given | None,
    atlas: "Atlas | str | Path | None",
    model: "keras.Model | str | Path | None",
    settings: Mapping[str, Any],
) -> list[Single]:
    if isinstance(layers, str) or not layers:
        raise ConfigError(f"layers: expected names of layers, as in ['mixed4'], came {layers!r}")
    render = partial(_render_picture, kind, Path(picture), tuple(layers))
    if atlas is not None:
        _refuse_both(config=config, model=model, **settings)
        return _apart(render, str(picture), _of_atlas(atlas, None))
    with _configured(config, [f":{layers[0]}:0"], model, settings) as made:
        return _apart(render, str(picture), made)


@contextlib.contextmanager
def _configured(
    config: Given | None, units: list[str], model: Any, settings: Mapping[str, Any]
) -> Iterator[AtlasConfig]:
    """A configuration, in which a mapping needs no units."""
    given: Given = {} if config is None else config
    if isinstance(given, Mapping):
        given = {"units": units, **given}
    with _weights(model) as weights:
        said = {**settings, "model.weights": weights}
        yield configuration(given, {key: of for key, of in said.items() if of is not None})


def planned(config: AtlasConfig, *units: str) -> Provenance:
    """What a configuration's units are rendered by; its network is read in this process.

    Args:
        config: weights, recipe, size, seed.
        units: patterns; if any, the configuration's own do not matter.

    Raises:
        UsageError: a unit or the configuration cannot be.
    """
    device.use(config.device, config.render.compiler)
    from pipeline.network.describe import describe  # noqa: PLC0415, TensorFlow, as below

    named = config.model_copy(update={"units": units or config.units})
    return resolve_provenance(named, describe=describe)


def render(unit_id: str, known: Provenance) -> Single:
    """Render a unit in this process.

    Args:
        unit_id: its id.
        known: an atlas's provenance, whose own units do not matter, or what was `planned`.

    Raises:
        UnitError: the id is malformed, or names nothing in the network.
        WeightsError: the weights are not there, are others, or have not what the unit needs.
    """
    return _found([known.unit(unit_id)], known)[0]


def render_picture(
    kind: Kind, picture: Path, layers: Sequence[str], known: Provenance
) -> list[Single]:
    """What layers make of a picture, a unit each, in this process.

    Args:
        kind: `INVERSION` or `CARICATURE`.
        picture: a file.
        layers: their names.
        known: as for `render`.

    Raises:
        ConfigError: the picture cannot be read.
        UnitError: there is no such layer.
        WeightsError: as for `render`.
    """
    from pipeline.examples import where  # noqa: PLC0415, Pillow is not needed for units

    subject = Picture(picture.name, known.size, where.read(picture, known.size).tobytes())
    return _found([of_picture(kind, name, subject, known.architecture) for name in layers], known)


def _found(units: Sequence[Unit], known: Provenance) -> list[Single]:
    device.use(known.device, known.render.compiler)
    from pipeline.ascent.engine import Engine  # noqa: PLC0415, TensorFlow after its environment

    engine = Engine.of(known)
    return [_single(unit, engine.compute([unit])) for unit in units]


def _single(unit: Unit, results: "Results") -> Single:
    statistics = results.statistics
    return Single(
        unit=unit.id,
        image=results.images[0],
        film=np.concatenate([results.snapshots[0], results.images]),
        trajectory=results.trajectory[0],
        activation=float(statistics.activation[0]),
        robust=float(statistics.activation_robust[0]),
        start=float(statistics.activation_start[0]),
        seconds=float(statistics.seconds[0]),
    )


def filmed(known: Provenance, snapshots: int) -> Provenance:
    """One that keeps snapshots: as many as it says, or `snapshots`, or its steps."""
    return _keeping(known, known.render.snapshots or min(snapshots, known.recipe.steps))


def _keeping(known: Provenance, snapshots: int) -> Provenance:
    """One that keeps so many snapshots, which changes no pixel."""
    render = known.fingerprint.render.model_copy(update={"snapshots": snapshots})
    return replace(known, fingerprint=known.fingerprint.model_copy(update={"render": render}))


def _of_atlas(atlas: "Atlas | str | Path", snapshots: int | None) -> Provenance:
    from pipeline.atlas import Atlas  # noqa: PLC0415, not needed without one

    known = (atlas if isinstance(atlas, Atlas) else Atlas.open(atlas)).provenance
    if snapshots is None:
        return known
    if not isinstance(snapshots, int) or not 0 <= snapshots <= known.recipe.steps:
        raise ConfigError(
            f"snapshots: expected a number from 0 to the atlas's {known.recipe.steps} steps, came "
            f"{snapshots!r}"
        )
    return _keeping(known, snapshots)


def _refuse_both(**given: object) -> None:
    also = [name for name, value in given.items() if value is not None]
    if also:
        raise ConfigError(
            f"{also[0]}: an atlas is rendered by its own recipe and network: leave `atlas` out, or "
            f"{also[0]}"
        )


def _apart(
    do: Callable[[AtlasConfig | Provenance], Answer], what: str, by: AtlasConfig | Provenance
) -> Answer:
    """What rendering gives in a process of its own."""
    build = by.build if isinstance(by, AtlasConfig) else Build()
    remedy = "(build.longest_batch): allow more, or ask for a smaller image"
    return apart(partial(_told, do, what, by), f"render {what}", build.longest_batch, remedy)


def _render(unit_id: str, by: AtlasConfig | Provenance) -> Single:
    return render(unit_id, planned(by, unit_id) if isinstance(by, AtlasConfig) else by)


def _render_picture(
    kind: Kind, picture: Path, layers: tuple[str, ...], by: AtlasConfig | Provenance
) -> list[Single]:
    first = f":{layers[0]}:0"
    known = planned(by, first) if isinstance(by, AtlasConfig) else by
    return render_picture(kind, picture, layers, known)


def _told(
    do: Callable[[AtlasConfig | Provenance], Answer], what: str, by: AtlasConfig | Provenance
) -> Answer:
    """What rendering gives; whatever goes wrong is told in a line."""
    try:
        return do(by)
    except AtlasError:
        raise
    except Exception as error:  # TensorFlow and Keras raise many types
        reason = str(error).strip().splitlines() or [""]
        raise WorkError(
            f"rendering {what} failed: {type(error).__name__}: {reason[0][:200]}"
        ) from error


@contextlib.contextmanager
def _weights(model: Any) -> Iterator[str | None]:
    """A model as a configuration says it; one in memory is a file for as long as this lasts."""
    keras = sys.modules.get("keras")  # who has a model has loaded it
    if keras is not None and isinstance(model, keras.Model):
        with _on_disk(model) as path:
            yield str(path)
    elif model is None or isinstance(model, str | Path):
        yield str(model) if model is not None else None
    else:
        raise ConfigError(
            "model: expected a Keras model, or the path of a weights file, came a "
            f"{type(model).__module__}.{type(model).__name__}"
        )


@contextlib.contextmanager
def _on_disk(model: "keras.Model") -> Iterator[Path]:
    """A file of a model in memory: all that is true of files is then true of it.

    Raises:
        WeightsError: it cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a loss that cannot be read: none is
                model.save(path)
        except Exception as error:  # Keras raises many types for a model that does not fit
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise WeightsError(
                f"the model in memory cannot be saved as a file: {reason[0][:200]}; expected a "
                "model of Keras' own layers, without Python code in it"
            ) from error
        try:
            yield path
        except AtlasError as error:  # of a file that nobody knows of
            said = str(error).replace(f"the weights file {path}", "the model in memory")
            raise type(error)(said.replace(str(path), "memory")) from error
