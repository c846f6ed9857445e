"""Channel atlas: what every channel of a convolutional network sees.

>>> from pipeline import Atlas
>>> atlas = Atlas.open("data/atlas")
>>> atlas.index, atlas.image("mixed4:42"), atlas.trajectory("mixed4:42")
"""

from pipeline.atlas import Atlas
from pipeline.errors import AtlasError, UsageError, WorkError
from pipeline.plan.units import Unit

__all__ = ["Atlas", "AtlasError", "Unit", "UsageError", "WorkError"]
