"""
6. Layers, and what a teacher adds
==================================

One layer of spiking neurons sees the whole image at once. Two layers can do better: a small tile
of cells is read at many places of the image, and a second layer learns from what won there.
"""

# %%
# Two layers without labels
# -------------------------
# ``conv-local`` is an experiment with two layers. They learn one after the other, from the
# bottom. Here it is made small: few images, few neurons.

import synarray

settings = {
    "images": 2000,
    "layers.1.images": 1000,
    "layers.1.n_neurons": 32,
    "layers.2.n_neurons": 320,
    "epochs": 1,
}
free = synarray.train("conv-local", settings=settings)
print(f"labels only name neurons: {free.accuracy:.1%} of the test images")

# %%
# What the convolution learned: the 5 x 5 weights of eight neurons, for each of the four channels
# of intensity, one beside the other.

import matplotlib.pyplot as plt

from synarray.run.fields import fields_of, pictured

kernels = fields_of(*pictured(free.stored()), 8)
figure, axes = plt.subplots(2, 4, figsize=(8, 2), layout="constrained")
for axis, kernel in zip(axes.flat, kernels, strict=True):
    axis.imshow(kernel, cmap="gray", vmin=-1, vmax=1)
    for channel in (1, 2, 3):
        axis.axvline(5 * channel - 0.5, color="tab:orange")
    axis.set_axis_off()
figure

# %%
# A teacher
# ---------
# ``conv-taught`` puts a teacher on the second layer. When the wrong class wins, its active cells
# get an LTD pulse, and those of the true class an LTP pulse. Every correction is a pulse on a
# cell, so it is counted and priced like any other.

taught = synarray.train(
    "conv-taught",
    settings={
        "images": 2000,
        "layers.1.images": 1000,
        "layers.1.n_neurons": 32,
    },
)
print(f"with a teacher: {taught.accuracy:.1%} of the test images")

# %%
# The control
# -----------
# How much is the learned layer worth? Leave the first layer's weights at random, and train the
# same second layer.

settings = {
    "images": 2000,
    "layers.1.images": 1000,
    "layers.1.n_neurons": 32,
    "layers.1.learn": False,
}
control = synarray.train("conv-taught", settings=settings)
print(f"first layer at random: {control.accuracy:.1%}")

# %%
# These are small networks. The page of layers has the full ones, and says what labels do in each.
