"""lucid's recipe, as far as this engine can say it.

lucid's `render_vis` by its own defaults: 512 steps of Adam at 0.05, a spectrum with decorrelated
colours, `standard_transforms`, and the gradient let through silent ReLUs at first (optvis/render,
param and transform; overrides/redirected_relu_grad). lucid itself needs TensorFlow 1, and Lucent,
which has the same recipe, PyTorch.
"""

from pipeline.config.recipes import Adam, Jitter, Recipe, Rotate, Scale, Spectrum, Transforms

LUCID = Recipe(
    name="lucid",
    steps=512,
    revive=16,
    parametrization=Spectrum(deviation=0.01, decay=1.0),
    transforms=Transforms(
        jitter=Jitter(pixels=6), rotate=Rotate(degrees=10.0), scale=Scale(least=0.9, most=1.1)
    ),
    optimizer=Adam(rate=0.05, beta1=0.9, beta2=0.999, warmup=0, fall=0.0, end=1.0),
)
UNSAID = (
    "its border of 12 grey pixels is left out, and what a view lacks is reflected; its two shifts, "
    "of 4 and 2 pixels each way, are one of 6; turns are of any angle up to 10 degrees rather than "
    "whole ones, 0 more often; scales are of any size between its least and most; each image has "
    "a draw of its own, not each batch"
)
"""What it says otherwise."""
