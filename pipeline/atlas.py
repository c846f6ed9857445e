"""What notebooks and the command line read: an atlas, opened."""

import contextlib
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import MissingError, NotMeasuredError, UnitError
from pipeline.plan import words
from pipeline.plan.provenance import Provenance, render_command
from pipeline.plan.units import Unit
from pipeline.store.folder import Folder
from pipeline.store.records import Record
from pipeline.store.store import Store

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from pipeline.examples.strongest import Example
    from pipeline.explore.answers import Asked
    from pipeline.explore.diff import Changes
    from pipeline.explore.why import Reason
    from pipeline.notebook.cards import Card
    from pipeline.notebook.drawings import Drawing, Fired
    from pipeline.notebook.frames import Frame
    from pipeline.notebook.galleries import Gallery

STATUSES = ("done", "missing", "failed", "unavailable")

_STRIP = 16
"""Images of an atlas that a notebook shows."""


class Atlas:
    """An atlas folder, opened for reading. It may still be growing: what is new is seen.

    >>> atlas = Atlas.open("data/atlas")
    >>> atlas.index.query("layer == 'mixed4'").nlargest(3, "activation")
    >>> atlas.image("mixed4:42")

    It is a collection of the units of its configuration, by id, whether they are built or not:

    >>> len(atlas), "mixed4:42" in atlas, list(atlas)[:3]
    >>> atlas["mixed4:42"]
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: tuple[str, Asked] | None = None
        self._rows: tuple[object, pd.DataFrame] | None = None

    @classmethod
    def open(cls, folder: str | Path | Folder) -> "Atlas":
        """Open an atlas folder: a path, or an address such as s3://bucket/atlas.

        Raises:
            AtlasFolderError: the folder is missing, or is no atlas.
        """
        return cls(Store.open(folder))

    @property
    def folder(self) -> Folder:
        """Where the atlas is; its `path`, on a disk, or its address."""
        return self._store.folder

    @property
    def provenance(self) -> Provenance:
        """What the atlas is made of."""
        return self._store.provenance

    def __len__(self) -> int:
        """How many units the atlas's configuration names."""
        return len(self.provenance.units())

    def __iter__(self) -> Iterator[str]:
        """The ids of these units, in the atlas's order."""
        return (unit.id for unit in self.provenance.units())

    def __contains__(self, unit_id: object) -> bool:
        """Whether an id, which may say `@center`, is of one of these units."""
        if not isinstance(unit_id, str):
            return False
        try:
            return self.unit(unit_id).id in self._ids
        except UnitError:  # nothing that its network has
            return False

    def __getitem__(self, unit_id: str) -> "Card":
        """A unit at a glance, as `card`.

        Raises:
            UnitError: the id names nothing in this atlas's network.
            MissingError: the unit is not in the atlas's configuration.
        """
        return self.card(unit_id)

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(self)

    @property
    def index(self) -> "pd.DataFrame":
        """One row a unit; columns as in docs/design.md. It is yours to change.

        Read from `index.parquet` where that is up to date, else made from the store; and kept
        until the atlas grows.
        """
        return self._index().copy()

    def unit(self, unit_id: str) -> Unit:
        """The unit of an id, which may say `@center`.

        Raises:
            UnitError: the id names nothing in this atlas's network.
        """
        return self.provenance.unit(unit_id)

    def image(self, unit_id: str) -> np.ndarray:
        """A unit's image, (size, size, 3) uint8 RGB.

        Raises:
            UnitError: the id names nothing in this atlas's network.
            MissingError: the atlas does not hold the unit (yet).
            DamageError: the stored image is damaged.
        """
        return self._read(unit_id, "images")

    def trajectory(self, unit_id: str) -> np.ndarray:
        """The plain activation seen at each step, (steps,) float32. Raises as `image`."""
        return self._read(unit_id, "trajectory")

    def film(self, unit_id: str) -> np.ndarray:
        """A unit's snapshots and its finished image, (snapshots + 1, size, size, 3) uint8 RGB.

        Raises:
            NotMeasuredError: the atlas keeps no snapshots.
            UnitError, MissingError, DamageError: as `image`.
        """
        if not self.provenance.render.snapshots:
            raise NotMeasuredError(
                f"the atlas {self.folder} keeps no snapshots: build one with render.snapshots, "
                f"or render the film alone: {render_command(self.folder, unit_id)} --film FILE.webp"
            )
        return self._store.film(*self._find(unit_id))

    def examples(self, unit_id: str) -> "list[Example]":
        """The pictures, of those that the atlas was shown, that excite a unit most.

        Raises:
            NotMeasuredError: the atlas was shown no pictures.
            UnitError: the id names nothing in this atlas's network.
        """
        from pipeline.examples import strongest  # noqa: PLC0415, pandas is slow to import

        unit, best = self.unit(unit_id), strongest.by_unit(self._store)
        if not best:
            raise NotMeasuredError(
                f"the atlas {self.folder} was shown no pictures: `atlas examples FOLDER` shows them"
            )
        return best.get(unit.id, [])

    @property
    def natural(self) -> "pd.DataFrame":
        """How each unit's activation is spread over the pictures that the atlas was shown.

        A row a unit: how many pictures, and quantiles `q00` to `q100` in their hundredths; no rows
        where it was shown none.
        """
        from pipeline.examples import strongest  # noqa: PLC0415, pandas is slow to import

        return strongest.spread(self._store)

    @property
    def names(self) -> "pd.DataFrame":
        """How well each unit tells each label of the pictures; see docs/names.md.

        A row a unit and label: `auroc`, `count` of the label's pictures, `p`, `is_name`, and `low`
        and `high` for the label that the unit tells best; no rows where pictures had no labels.
        """
        from pipeline.explore import names  # noqa: PLC0415, pandas is slow to import

        return names.read(self._store)

    @property
    def predictions(self) -> "pd.DataFrame":
        """How well each picture tells which photographs excite its unit; see docs/truth.md.

        A row a picture, and of a unit of several variants a row more for all of them together
        (`prediction_pictures` is how many); no rows where the atlas was shown too few photographs.
        """
        from pipeline.truth import verdicts  # noqa: PLC0415, pandas is slow to import

        return verdicts.read(self._store)

    @property
    def judge(self) -> str:
        """The other network that judged pictures, and its layer; empty where none did."""
        from pipeline.truth import verdicts  # noqa: PLC0415, pandas is slow to import

        tried = verdicts.tried(self._store)
        return tried.judge if tried else ""

    @property
    def notes(self) -> dict[str, str]:
        """Your notes by unit id, of units that the configuration no longer names too."""
        from pipeline.explore import notes  # noqa: PLC0415, pandas is slow to import

        return notes.read(self.folder)

    def note(self, unit_id: str, text: str | None = None) -> str:
        """Your note on a unit; with a text, that from now on, and with an empty one none.

        >>> atlas.note("mixed4:42", "curves, left")
        >>> atlas.query('note.str.contains("curves")')

        Raises:
            UnitError: the id names nothing in this atlas's network.
            MissingError: the unit is not in the atlas's configuration, and has no note.
            ConfigError: the text is too long.
            AtlasFolderError: a build is at it, or the folder cannot be written.
            DamageError: the notes are damaged.
        """
        from pipeline.explore import notes  # noqa: PLC0415, pandas is slow to import

        unit = self._notable(unit_id, notes.known(self.folder).notes)
        if text is not None:
            self.annotate({unit: text})
        return self.notes.get(unit, "")

    @property
    def called(self) -> dict[str, str]:
        """What you call units, by their ids."""
        from pipeline.explore import notes  # noqa: PLC0415, pandas is slow to import

        return dict(notes.said(self.folder).called)

    def annotate(
        self,
        notes: Mapping[str, str],
        called: Mapping[str, str] | None = None,
        before: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        """Note texts on units, and names of yours, all or none; an empty text takes one away.

        They are in the index and on the page at once, where these were up to date, else with the
        next build.

        Args:
            notes: by unit id a note.
            called: by unit id what you call the unit.
            before: by unit id what it is called now and the note on it, as you know it.

        Raises:
            ChangedError: a unit is called, or noted on, otherwise than in `before`.
            AtlasError: as `note`.
        """
        from pipeline import verify  # noqa: PLC0415, pandas is slow to import
        from pipeline.explore import index  # noqa: PLC0415, as above
        from pipeline.explore import notes as kept  # noqa: PLC0415, as above
        from pipeline.publish import site  # noqa: PLC0415, as above
        from pipeline.store import lock  # noqa: PLC0415, not needed to read

        there = kept.known(self.folder)
        noted = {**there.notes, **there.called}
        wanted = {self._notable(unit, noted): kept.line(text) for unit, text in notes.items()}
        names = {self._notable(u, noted): kept.name_line(n) for u, n in (called or {}).items()}
        with lock.held(self.folder):
            index.mend_notes(self.folder)
            said = kept.said(self.folder)
            said.check(before or {})
            store = Store.open(self.folder)
            rows = index.read(self.folder) if index.is_current(store) else None
            is_shown = rows is not None and site.is_current(store)
            kept.write(self.folder, said.also(wanted, names))
            if rows is not None:
                rows = index.annotate(store, rows)
                if is_shown:
                    site.renote(store, rows)
                    site.tidy(self.folder)
            verify.note(store)

    def _notable(self, unit_id: str, noted: Container[str]) -> str:
        """The id of a unit that the configuration names, or that was noted on when it did."""
        unit = self.unit(unit_id)
        return unit.id if unit.id in noted else self._listed(unit_id).id

    def _listed(self, unit_id: str) -> Unit:
        """The unit of an id, which the configuration names."""
        unit = self.unit(unit_id)
        if unit.id not in self._ids:
            raise MissingError(f"unit {unit.id} {self.provenance.absence(unit, self.folder)}")
        return unit

    def example_crops(self, unit_id: str) -> np.ndarray:
        """What excites a unit in each of its `examples`, (pictures, 64, 64, 3) uint8 RGB.

        Raises:
            NotMeasuredError, UnitError: as `examples`; or the crops are not cut out yet.
            MissingError: the atlas does not hold the unit (yet).
            DamageError: a chunk is damaged.
        """
        from pipeline.examples.crops import Crops  # noqa: PLC0415, see above

        count = len(self.examples(unit_id))
        record, offset = self._find(unit_id)
        crops = Crops(self._store).of(record)
        if crops is None:
            raise NotMeasuredError(
                f"the examples of {unit_id} are not cut out yet: `atlas examples` goes on with them"
            )
        return np.asarray(crops[offset, :count])

    def row(self, unit_id: str) -> "pd.Series":
        """A unit's row of the index, less what does not apply to it.

        Raises:
            UnitError: the id names nothing in this atlas's network.
            MissingError: the unit is not in the atlas's configuration.
        """
        index, unit = self._index(), self._listed(unit_id)
        return index[index["unit"] == unit.id].iloc[0].dropna()

    def card(self, unit_id: str) -> "Card":
        """A unit at a glance: in a notebook, its image and key figures. Raises as `row`."""
        from pipeline.notebook.cards import Card  # noqa: PLC0415, Pillow is not needed to query

        row = {str(name): value for name, value in self.row(unit_id).items()}
        if row["status"] != "done":
            return Card(row["unit"], row)
        said = words.explained(self.unit(unit_id), row)
        return Card(row["unit"], row, self.image(unit_id), self.trajectory(unit_id), said)

    def query(
        self, expression: str, sort: str | None = None, top: int | None = None
    ) -> "pd.DataFrame":
        """The rows of the index that an expression or a search finds.

        Args:
            expression: as in `layer == "mixed4" and activation > 5`, see
                `pipeline.explore.query.select`; or as the page's search box takes it, as in
                `mixed4:42,mixed2:7` or `layer:mixed4 activation > 12`.
            sort: a column to sort by, `-column` for descending order; else the atlas's order.
            top: keep so many rows, the first.

        Raises:
            ConfigError: a column or an expression that cannot be.
            UnitError: an id names nothing in this atlas's network.
        """
        from pipeline.explore import query, search  # noqa: PLC0415, pandas is slow to import

        found = search.find(self._index(), expression, self.provenance.found)
        if sort is not None:
            found = query.ordered(found, sort)
        return found if top is None else found.head(top)

    def gallery(self, query: str = "", sort: str | None = None, top: int = 24) -> "Gallery":
        """The units that a search finds, as pictures in a grid.

        >>> atlas.gallery("layer:mixed4 activation > 5", sort="-activation")

        The pictures are in what the notebook shows, so they are there wherever it is opened.

        Args:
            query: as of `query`; nothing for all units.
            sort: as of `query`; its column stands under the pictures.
            top: how many pictures are shown. The others are counted, and `gallery[24:48]` shows the
                next.

        Raises:
            ConfigError: a column or an expression that cannot be.
            UnitError: an id names nothing in this atlas's network.
            DamageError: a stored image is damaged; raised as it is shown.
        """
        from pipeline.explore import query as asking  # noqa: PLC0415, pandas is slow to import
        from pipeline.notebook import galleries  # noqa: PLC0415, Pillow is not needed to query

        found = self._index()
        if query.strip():
            found = self.query(query, sort)
        elif sort is not None:
            found = asking.ordered(found, sort)
        return galleries.Gallery(query.strip(), found, top, galleries.figure_of(sort), self.card)

    def page(self, unit_id: str = "", query: str = "", height: int = 640, port: int = 0) -> "Frame":
        """The atlas's page in a frame: at a unit, at what a search finds, or at its start.

        >>> atlas.page("mixed4:42")

        This process serves it on loopback, to the browsers of its own machine, until it ends: as a
        notebook may not show files. So it is there in Jupyter, where kernel and browser share a
        machine (tried in JupyterLab 4.6), or where `port` is forwarded, as by
        `ssh -L 8765:127.0.0.1:8765`. Where they do not, as in Colab, or where there is no kernel
        any more, the frame is empty. `gallery` and cards are seen anywhere.

        Args:
            unit_id: a unit to open.
            query: what to search for, as in the page's box.
            height: of the frame, in pixels.
            port: of 127.0.0.1; 0 for any free one.

        Raises:
            MissingError: the atlas has no page, or the unit is not in its configuration.
            UnitError: the id names nothing in this atlas's network.
            ConfigError: the port cannot be had.
        """
        from pipeline.notebook import frames  # noqa: PLC0415, servers are not needed to query

        unit = self._listed(unit_id).id if unit_id else ""
        return frames.frame(self.folder, unit, query, height, port)

    def where(
        self, unit_id: str, picture: str | Path | None = None, path: str | Path | None = None
    ) -> "Fired":
        """Where in a picture a unit fires.

        Args:
            unit_id: a channel, a neuron or a direction.
            picture: a file; None for the unit's own image.
            path: a .png to save it as.

        Raises:
            ConfigError: a file that cannot be read, or written.
            MissingError: the unit is not built, and no picture is given.
            UnitError: the id names nothing in this atlas's network, or what has no map.
            WeightsError: the weights are not here.
        """
        from pipeline.examples import where  # noqa: PLC0415, as above
        from pipeline.notebook import drawings  # noqa: PLC0415, Pillow is not needed to query
        from pipeline.sheets import png  # noqa: PLC0415

        if path is not None:
            png.check(path)
        known = self.provenance
        size = known.size
        seen = where.read(Path(picture).expanduser(), size) if picture else self.image(unit_id)
        field, own = where.fires(known, unit_id, seen), 0.0
        with contextlib.suppress(MissingError):  # of a unit that is not built
            image = self.image(unit_id.removeprefix("-"))
            own = float(where.fires(known, unit_id, image).max())
        found = drawings.fired(unit_id, seen, field, own)
        if path is not None:
            found.save(path)
        return found

    def responses(self, unit_id: str) -> "pd.DataFrame":
        """How every channel of the atlas's layers responds to a unit's image, strongest first.

        Returns:
            Columns `layer`, `channel`, `unit` (the channel's id), `mean` and `peak` over the
            channel's map, and `z`, the mean against the channel's spread over the atlas.

        Raises:
            NotMeasuredError: the atlas, or the unit, has no responses yet.
            UnitError: the id names nothing in this atlas's network.
            DamageError: stored responses are damaged.
        """
        from pipeline.explore import answers  # noqa: PLC0415, pandas is slow to import

        return answers.of_unit(self._asked(), self.unit(unit_id))

    def similar(self, unit_id: str, top: int = 10) -> "pd.DataFrame":
        """The rows of the index whose responses are most like a unit's, the nearest first.

        Their `distance` is 1 less the cosine between the responses, each measured against its
        channel's spread over the atlas. Raises as `responses`.
        """
        from pipeline.explore import answers  # noqa: PLC0415, pandas is slow to import

        found = answers.like_unit(self._asked(), self.unit(unit_id), top)
        rows = self._index().set_index("unit").loc[found.index].reset_index()
        rows.insert(1, "distance", found.array)
        return rows

    def circuit(self, unit_id: str) -> "pd.DataFrame":
        """Which channels of earlier layers a unit is built from, and which units its channel feeds.

        Returns:
            A row an edge: `source`, `target`, their layers; `attribution`, gradient times
            activation on the target's own picture; `ablation_zero` and `ablation_mean`, by how much
            the target changes where the source is silent, or at its mean over the atlas's pictures;
            `share`, what part of the target's activation that is; `weight`, what raising the source
            by one everywhere would add, were all between linear. First those that end at the unit,
            then those that begin at its channel.

        Raises:
            NotMeasuredError: the atlas, or the unit, has no circuits.
            UnitError: the id names nothing in this atlas's network.
            DamageError: stored data is damaged.
        """
        from pipeline.explore import circuits  # noqa: PLC0415, pandas is slow to import

        return circuits.of_unit(self._store, self.unit(unit_id))

    def circuit_sheet(self, unit_id: str, path: str | Path | None = None) -> "Drawing":
        """A sheet of a unit between what it is built from and what it feeds.

        Args:
            unit_id: the unit.
            path: a .png or a .pdf to save it as.

        Raises:
            ConfigError: a file that cannot be.
            MissingError: the unit is not built.
            NotMeasuredError, UnitError, DamageError: as `circuit`.
        """
        from pipeline.notebook import drawings  # noqa: PLC0415, Pillow is not needed to query
        from pipeline.sheets import circuit  # noqa: PLC0415

        unit = self.unit(unit_id)
        return drawings.drawn(lambda: circuit.lay_out(self._store, self._index(), unit), path)

    def why(self, picture: str | Path, units: Sequence[str] = (), top: int = 6) -> "list[Reason]":
        """Why a picture excites units: how far above their usual, where, by which earlier channels.

        Usual is what they do on the pictures of `atlas examples`, or for channels, where there are
        none, on the atlas's own images.

        Args:
            picture: a file.
            units: ids, or patterns of them; where none are named the channels that the picture
                excites furthest above their usual, and the likeliest class.
            top: how many channels, then.

        Raises:
            ConfigError: the picture cannot be read.
            UnitError: an id names nothing in this atlas's network, or what has no reason.
            WeightsError: the weights are not here.
            DamageError: stored data is damaged.
        """
        from pipeline.examples import where  # noqa: PLC0415, pandas is slow to import
        from pipeline.explore import why  # noqa: PLC0415

        seen = where.read(Path(picture).expanduser(), self.provenance.size)
        return why.reasons(self._store, seen, self._named(units), top)

    def why_sheet(
        self, picture: str | Path, path: str | Path, units: Sequence[str] = (), top: int = 6
    ) -> "list[Reason]":
        """Save what `why` finds as a sheet, a row a unit, and return it.

        Args:
            picture, units, top: as of `why`.
            path: a .png or a .pdf.

        Raises:
            ConfigError: a file that cannot be, or as `why`, like all else.
        """
        from pipeline.examples import where  # noqa: PLC0415, Pillow is not needed to query
        from pipeline.explore import why  # noqa: PLC0415
        from pipeline.sheets import paper  # noqa: PLC0415
        from pipeline.sheets import why as sheet  # noqa: PLC0415

        place = paper.check(path)
        seen = where.read(Path(picture).expanduser(), self.provenance.size)
        found = why.reasons(self._store, seen, self._named(units), top)
        paper.save(sheet.lay_out(self._store, found, seen), place)
        return found

    def dataset(self, section: str) -> "xr.Dataset":
        """A section's arrays as an xarray Dataset, unit ids and statistics by name.

        >>> atlas.dataset("mixed4").statistics.sel(unit="mixed4:42", statistic="activation")

        Arrays are read as they are used. What is not committed is left out.

        Raises:
            ConfigError: there is no such section, or xarray is not here.
            MissingError: nothing of the section is built yet.
        """
        from pipeline.publish import dataset  # noqa: PLC0415, an extra

        return dataset.dataset(self._store, section)

    def diff(self, other: "Atlas") -> "Changes":
        """How the units of this atlas differ from those of another; see `pipeline.explore.diff`.

        Raises:
            MissingError: they have no unit in common that both have built.
            DamageError: stored data is damaged.
        """
        from pipeline.explore import diff  # noqa: PLC0415, pandas is slow to import

        return diff.changes(self._store, other._store)

    def diff_sheet(
        self,
        other: "Atlas",
        rows: "pd.DataFrame",
        path: str | Path,
        heading: str = "",
        tile: int = 128,
    ) -> None:
        """Save a sheet of some rows of `Changes.frame`, this atlas's images beside the other's.

        Args:
            other: the other atlas.
            rows: of `atlas.diff(other).frame`, or of `ordered`.
            path: a .png or a .pdf.
            heading: a line above.
            tile: side of an image, in pixels.

        Raises:
            ConfigError: a file that cannot be.
            DamageError: a stored image is damaged.
        """
        from pipeline.sheets import pairs, paper  # noqa: PLC0415, pandas is slow to import

        place = paper.check(path)
        paper.save(pairs.lay_out(self._store, other._store, rows, heading, tile), place)

    def export(self, kind: str, path: str | Path) -> None:
        """Write the atlas as what other programs read; see `pipeline.publish.formats`.

        Args:
            kind: `ome-zarr`, `dzi`, `csv`, `graphml` or `zip`.
            path: where; there may be nothing yet.

        Raises:
            ConfigError: a format or a path that cannot be; or its library is not here.
            DamageError: stored data is damaged.
        """
        from pipeline.publish import formats  # noqa: PLC0415, libraries that few need

        formats.export(self._store, kind, Path(path))

    def sheet(
        self,
        units: Sequence[str],
        path: str | Path | None = None,
        heading: str = "",
        tile: int = 128,
        columns: int = 0,
        captions: Sequence[str] = ("unit",),
    ) -> "Drawing | None":
        """A contact sheet of units; one that is not built leaves its place empty.

        Args:
            units: their ids, or patterns of them, in order.
            path: a .png or a .pdf to save it as; a .webp or .gif is a film of the units' images,
                one after the other, which takes nothing of what follows and returns None.
            heading: a line above.
            tile: side of an image, in pixels.
            columns: images a row, or 0 for a sheet about 4 by 3.
            captions: columns of the index, a line each under an image.

        Raises:
            ConfigError: a column or a file that cannot be.
            MissingError: a unit is not in the atlas's configuration.
            DamageError: a stored image is damaged.
        """
        from pipeline.notebook import drawings  # noqa: PLC0415, Pillow is not needed to query
        from pipeline.sheets import contact  # noqa: PLC0415

        named = [unit for text in units for unit in self.provenance.named(text)]
        ids = [self._listed(unit.id).id for unit in named]
        if path is not None and Path(path).suffix.lower() in (".webp", ".gif"):
            self._film_of(ids, Path(path))
            return None
        given = heading, tile, columns, captions
        return drawings.drawn(
            lambda: contact.lay_out(self._store, self._index(), ids, *given), path
        )

    def _film_of(self, ids: Sequence[str], path: Path) -> None:
        """Save a film of units that are built, one after the other."""
        from pipeline.sheets import film  # noqa: PLC0415, Pillow is not needed to query

        place = film.check(path)
        film.save(np.stack([self.image(unit) for unit in ids]), place)

    def compare(self, units: Sequence[str], path: str | Path | None = None) -> "Drawing":
        """A sheet that sets units side by side: figures, trajectories, responses, neighbours.

        Args:
            units: their ids, or patterns of them, in order.
            path: a .png or a .pdf to save it as.

        Raises:
            ConfigError: no unit is named, or a file that cannot be.
            UnitError: an id names nothing in this atlas's network.
            MissingError: a unit is not built.
            DamageError: stored data is damaged.
        """
        from pipeline.notebook import drawings  # noqa: PLC0415, Pillow is not needed to query
        from pipeline.sheets import compare  # noqa: PLC0415

        return drawings.drawn(lambda: compare.lay_out(self._store, self._index(), units), path)

    def mosaic(
        self,
        path: str | Path,
        order: str = "channel",
        sections: Sequence[str] = (),
        tile: int = 96,
    ) -> None:
        """Draw the finished units on one sheet, in an order of choice.

        Args:
            path: the PNG.
            order: `channel`, the atlas's own; `activation`, the strongest first; `similarity`; or
                `activations`, the cells of activation atlases, each in its place.
            sections: names of sections; none for all.
            tile: side of an image, in pixels.

        Raises:
            ConfigError: an order, a section or a file that cannot be.
            NotMeasuredError: nothing is known yet of which units are alike.
            DamageError: a stored image is damaged.
        """
        from pipeline.sheets import orders  # noqa: PLC0415, slow to import

        place = Path(path).expanduser()
        orders.draw(self._store, self._index(), order, tuple(sections), tile, place)

    def status(self) -> dict[str, dict[str, int]]:
        """For each section how many units are done, missing, failed and unavailable."""
        failed = self._store.records.failed()
        table = {}
        for section in self.provenance.sections():
            records = self._store.records.of(section.name)
            done = {unit for record in records for unit in record.units}
            counts = Counter(self.provenance.status(unit, done, failed) for unit in section.units)
            table[section.name] = {status: counts[status] for status in STATUSES}
        return table

    def failures(self) -> dict[str, str]:
        """Why the last build gave batches up, by batch."""
        return {failure.batch: failure.reason for failure in self._store.records.failures()}

    def _named(self, patterns: Sequence[str]) -> list[Unit]:
        return [unit for text in patterns for unit in self.provenance.named(text)]

    def _index(self) -> "pd.DataFrame":
        """The index, which nobody changes; kept until the atlas or the index file changes."""
        from pipeline.explore import index  # noqa: PLC0415, pandas is slow to import

        state = index.state_of(self._store)
        stamp = self.folder.stamps("", [index.NAME])[index.NAME]
        if self._rows is None or self._rows[0] != (state, stamp):
            self._rows = (state, stamp), index.in_state(self._store, state)
        return self._rows[1]

    def _asked(self) -> "Asked":
        """The responses; kept until the atlas grows."""
        from pipeline.explore import answers, index  # noqa: PLC0415, pandas is slow to import

        state = index.state_of(self._store)
        if self._kept is None or self._kept[0] != state:
            self._kept = state, answers.read(self._store)
        return self._kept[1]

    def _read(self, unit_id: str, name: str) -> np.ndarray:
        record, offset = self._find(unit_id)
        return self._store.read(record, name, offset)

    def _find(self, unit_id: str) -> tuple[Record, int]:
        return self._store.find(self.unit(unit_id).id)

    def _repr_html_(self) -> str:
        from pipeline.notebook import cards  # noqa: PLC0415, as above

        done = list(self._store.records.places())
        some = done[:: max(1, len(done) // _STRIP)][:_STRIP]
        return cards.overview(
            repr(self), self.status(), [(unit, self.image(unit)) for unit in some]
        )

    def __repr__(self) -> str:
        done = sum(counts["done"] for counts in self.status().values())
        return f"Atlas({str(self.folder)!r}: {done} of {len(self.provenance.units())} units)"


def gallery(
    query: str = "",
    sort: str | None = None,
    top: int = 24,
    *,
    atlas: Atlas | str | Path | Folder = "data/atlas",
) -> "Gallery":
    """The units of an atlas that a search finds, as pictures in a grid; see `Atlas.gallery`.

    >>> pipeline.gallery("layer:mixed4 activation > 5", atlas="data/atlas")

    Args:
        query, sort, top: as of `Atlas.gallery`.
        atlas: an atlas, or its folder.

    Raises:
        AtlasFolderError: the folder is missing, or is no atlas.
        ConfigError, UnitError, DamageError: as `Atlas.gallery`.
    """
    opened = atlas if isinstance(atlas, Atlas) else Atlas.open(atlas)
    return opened.gallery(query, sort, top)
