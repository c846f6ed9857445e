"""What a build would do: everything checked, nothing written."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.config.schema import AtlasConfig
from pipeline.errors import UnitError
from pipeline.network.probe import probe
from pipeline.plan.architecture import Describe
from pipeline.plan.batches import Batch, Section, missing_batches, sections
from pipeline.plan.kinds import expand
from pipeline.plan.provenance import Provenance
from pipeline.plan.resolve import resolve_provenance
from pipeline.plan.units import Unit
from pipeline.store import place
from pipeline.store.folder import Folder
from pipeline.store.store import Store


@dataclass(frozen=True)
class Plan:
    """A configuration, what it means here and now, and the part of it to build.

    Attributes:
        config: the configuration.
        provenance: what the atlas is made of.
        only: patterns of the units to compute now; empty for all.
    """

    config: AtlasConfig
    provenance: Provenance
    only: tuple[str, ...] = ()

    @property
    def folder(self) -> Folder:
        """The atlas folder."""
        return place.at(self.config.output)

    def sections(self) -> Sequence[Section]:
        """The sections to compute, with the units that the weights allow and `only` names."""
        return self._sections

    @cached_property
    def _sections(self) -> tuple[Section, ...]:
        return tuple(sections([u for u in self._asked if self.provenance.is_available(u)]))

    @cached_property
    def _asked(self) -> list[Unit]:
        """The units of the configuration, or those of them that `only` names."""
        known = self.provenance
        if not self.only:
            return list(known.units())
        chosen = set(expand(self.only, known.network, known.variants))
        return [unit for unit in known.units() if unit in chosen]

    def unavailable(self) -> list[Unit]:
        """The units that are asked for and that the weights have nothing for."""
        return [unit for unit in self._asked if not self.provenance.is_available(unit)]

    def missing(self) -> list[tuple[Section, list[Batch]]]:
        """For each section to compute, the batches that nobody committed."""
        store = self.store()
        if store is None:
            size, group = self.provenance.batch_size, self.provenance.render.group
            return [
                (section, missing_batches(section, {}, size, group)) for section in self.sections()
            ]
        return [(section, store.missing(section)) for section in self.sections()]

    def traces(self) -> bool:
        """Whether it is to be measured what units are built from."""
        explore = self.config.explore
        return explore.responses and explore.circuits

    def store(self) -> Store | None:
        """The atlas, if it is there and says what it is made of."""
        return _there(self.config)


def _there(config: AtlasConfig) -> Store | None:
    """The atlas of a configuration, if it is there and says what it is made of."""
    is_there = not Store.is_lost(config.output) and Store.exists(config.output)
    return Store.open(config.output) if is_there else None


def existing(config: AtlasConfig) -> Plan:
    """The plan of the atlas that is there, for what takes no more of a configuration than its pool.

    Raises:
        AtlasFolderError: there is none.
    """
    return Plan(config, Store.open(config.output).provenance)


def make(config: AtlasConfig, only: Sequence[str] = (), describe: Describe | None = None) -> Plan:
    """Plan a build.

    Args:
        config: the configuration.
        only: patterns of the units to compute now; empty for all of the configuration's.
        describe: how to learn a network's architecture; by a process of its own, if nothing is
            said.

    Raises:
        UsageError: anything that cannot be; see `pipeline.plan.resolve`.
        UnitError: `only` names a unit that the configuration does not have.
    """
    describe = describe or functools.partial(probe, patience=config.build.patience)
    store = _there(config)
    before = store.provenance if store else None
    plan = Plan(config, resolve_provenance(config, describe, before), tuple(only))
    known = set(plan.provenance.units())
    named = expand(only, plan.provenance.network, plan.provenance.variants)
    strange = [unit for unit in named if unit not in known]
    if strange:
        raise UnitError(
            f"--only names {strange[0].id} (and {len(strange) - 1} more), which the configuration "
            "has not: add it to `units`, or name units of the configuration"
        )
    return plan
