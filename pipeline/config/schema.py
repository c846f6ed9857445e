"""What to build: the strict model of `atlas_config.yaml`. `yaml_file` reads it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.config.recipes import RECIPES, Recipe
from pipeline.config.strict import Frozen
from pipeline.config.vectors import NAMED

Device = Literal["cpu", "gpu"]
Precision = Literal["float32", "bfloat16"]
Compiler = Literal["graph", "xla"]

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class Model(Frozen):
    """The network."""

    weights: str = "auto"
    """`auto`, `imagenet`, `bundled`, `lite0`, or the path of a .keras, .h5 or .weights.h5 file."""
    name: str = "auto"
    """A network of `keras.applications`, as in `MobileNetV2`; `auto` is InceptionV3, or what the
    file holds."""
    output: str = ""
    """The output whose classes are meant, where a network has several."""
    classes: str = "auto"
    """`auto` (a list beside the file or in it, else ImageNet's where the network is known to be of
    them), `imagenet`, or a file of class names."""
    timeout: Seconds = 5.0
    """Seconds until a download of weights must answer."""
    range: Literal["auto", "tf", "torch", "caffe"] | tuple[float, float] = "auto"
    """What black and white are to the network: `auto`, as it tells; as in `[0, 255]`; or as
    `keras.applications` preprocesses: `tf` (-1 to 1), `torch` (ImageNet's mean and spread taken
    off) or `caffe` (BGR less ImageNet's mean)."""

    @field_validator("range")
    @classmethod
    def _is_a_range(cls, value: Any) -> Any:
        if not isinstance(value, str) and value[0] == value[1]:
            raise ValueError("black and white must differ")
        return value


class Image(Frozen):
    """The pictures."""

    size: Annotated[int, Field(ge=16, le=4096)] = 128
    """Side in pixels."""


class Render(Frozen):
    """What is rendered of each unit, and in which arithmetic."""

    variants: Annotated[int, Field(ge=1, le=64)] = 1
    """Images a unit, each from a start of its own."""
    diversity: Annotated[float, Field(ge=0, le=10)] = 0.0
    """How strongly variants of a unit are kept apart; 0 renders each on its own."""
    snapshots: Annotated[int, Field(ge=0, le=256)] = 0
    """Images kept along the way, the start first; a film."""
    precision: Literal["auto", Precision] = "auto"
    """Of the ascent; images are always measured in float32."""
    compiler: Compiler = "graph"
    """What compiles the network: TensorFlow's graph, or XLA."""

    @property
    def group(self) -> int:
        """How many variants of a unit are rendered together: all, where they know each other."""
        return self.variants if self.diversity else 1


class Local(Frozen):
    """Processes on this machine, one thread each."""

    kind: Literal["local"] = "local"
    workers: Literal["auto"] | Count = "auto"


class Threads(Frozen):
    """Threads of this process, for tests and debugging."""

    kind: Literal["threads"] = "threads"
    workers: Count = 1


class LocalGpu(Frozen):
    """Processes on this machine, each pinned to a GPU of its own."""

    kind: Literal["local-gpu"] = "local-gpu"
    gpus: Literal["auto"] | Annotated[tuple[int, ...], Field(min_length=1)] = "auto"
    """`auto` (all that nvidia-smi lists) or a list of GPU numbers."""


class Address(Frozen):
    """A running Dask cluster, by address or by scheduler file."""

    kind: Literal["address"] = "address"
    address: str | None = None
    scheduler_file: str | None = None
    device: Device = "cpu"


class Slurm(Frozen):
    """Jobs of a SLURM cluster, through dask-jobqueue (extra `slurm`)."""

    kind: Literal["slurm"] = "slurm"
    jobs: Count = 1
    """How many jobs, at most."""
    least_jobs: Annotated[int, Field(ge=0)] | None = None
    """With it, as many jobs as there is work for, from so many on."""
    workers_per_job: Count = 1
    memory: str = "4GiB"
    queue: str | None = None
    account: str | None = None
    walltime: str = "04:00:00"
    directives: tuple[str, ...] = ()
    """More lines for the job's header, as in `--gres=gpu:1`."""
    device: Device = "cpu"


class Mosaic(Frozen):
    """The look of the mosaics."""

    tile: Annotated[int, Field(ge=8, le=1024)] = 96
    """Side of a tile, in pixels."""
    columns: Literal["auto"] | Count = "auto"


class Explore(Frozen):
    """What is measured of a finished atlas, to find one's way in it. Nothing changes a pixel."""

    responses: bool = True
    """How every channel responds to every stored image, and what follows from it."""
    circuits: bool = True
    """Which channels of earlier layers each unit is built from; responses are needed for it."""


class Truth(Frozen):
    """How far the pictures of a finished atlas can be believed. Nothing changes a pixel."""

    kept: bool = True
    """How much of its activation each picture keeps under views that the ascent has not seen."""
    photographs: Annotated[int, Field(ge=0, le=1000)] = 200
    """Photographs of `atlas examples` on which pictures are tried, at most; 0 for none."""
    judge: str = "auto"
    """The other network that judges: `auto` (`lite0`, or `bundled` where the atlas is of that),
    `none`, `lite0`, `bundled`, `imagenet`, or the path of a model file."""
    judge_layer: str = "auto"
    """The layer that the judge looks with; of a file of yours it has to be named."""


class Build(Frozen):
    """How patiently to build. Nothing here changes a pixel."""

    retries: Annotated[int, Field(ge=0)] = 1
    """How often a batch that raised is tried again."""
    deaths: Annotated[int, Field(ge=0)] = 3
    """How many workers may die over one batch, or pools as they start, before it is given up."""
    patience: Seconds = 300.0
    """Seconds without any worker, or without an answer, until the build gives up."""
    longest_batch: Seconds = 3600.0
    """Seconds without any batch ending, though there are workers, until the build gives up."""
    lease: Seconds = 30.0
    """Seconds without a sign of life until a build of another machine counts as dead."""
    scheduler_host: str | None = None
    """Host of a `luigid`, or none for Luigi's own scheduler."""
    scheduler_port: Annotated[int, Field(ge=1, le=65535)] = 8082


Cluster = Annotated[Local | Threads | LocalGpu | Address | Slurm, Field(discriminator="kind")]


class AtlasConfig(Frozen):
    """Everything `atlas_config.yaml` can say."""

    output: str = "data/atlas"
    """The atlas folder."""
    units: Annotated[tuple[str, ...], Field(min_length=1)]
    """Patterns of unit ids, see `pipeline.plan.units`."""
    directions: dict[Annotated[str, Field(pattern=f"^{NAMED.pattern}$")], str] = Field(
        default_factory=dict
    )
    """Files of directions, .npy, .npz or .safetensors, by the name that ids have for them."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 16
    """Units computed, committed and stored together."""
    model: Model = Model()
    image: Image = Image()
    render: Render = Render()
    recipe: Recipe = RECIPES["fourier"]
    cluster: Cluster = Local()
    mosaic: Mosaic = Mosaic()
    explore: Explore = Explore()
    truth: Truth = Truth()
    site: bool = True
    """Whether to write the page, `site/index.html`."""
    build: Build = Build()

    @model_validator(mode="after")
    def _has_a_step_for_each_snapshot(self) -> Self:
        if self.render.snapshots > self.recipe.steps:
            raise ValueError(
                f"render.snapshots ({self.render.snapshots}) must not be above recipe.steps "
                f"({self.recipe.steps})"
            )
        return self

    @model_validator(mode="after")
    def _keeps_variants_apart_in_one_way(self) -> Self:
        if self.render.group > 1 and self.recipe.styles:
            raise ValueError(
                "render.diversity keeps variants apart that are rendered alike, and recipe.styles "
                "renders them otherwise: leave out one of them"
            )
        return self

    @property
    def device(self) -> Device:
        """The kind of device that the pool computes on."""
        if isinstance(self.cluster, Address | Slurm):
            return self.cluster.device
        return "gpu" if isinstance(self.cluster, LocalGpu) else "cpu"

    @property
    def is_here(self) -> bool:
        """Whether this machine's own CPU computes."""
        return isinstance(self.cluster, Local | Threads)
