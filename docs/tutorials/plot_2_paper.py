"""
2. The paper, step by step
==========================

Shi et al. (Nature Communications 9:5312, 2018) train a network of one layer without labels, and
prune it while it learns. This tutorial takes the steps one after the other: encoding,
winner-take-all, STDP, soft pruning.
"""

# %%
# Encoding
# --------
# Each pixel of an image becomes an input that spikes at random. The brighter the pixel, the more
# often it spikes. Time is cut into windows of 10 ms; an image is shown for four of them here.

import matplotlib.pyplot as plt
import numpy as np

import synarray
from synarray.network.encoding import EncodingSpec, chance_table

mnist = synarray.load_dataset("mnist")
encoding = EncodingSpec()
probability = chance_table(encoding, per_step=False) / 65536
image = mnist.x_train[0].reshape(28, 28)
random = np.random.default_rng(0)
spikes = random.random((encoding.draws, 784)) < probability[image.ravel()]

figure, (left, right) = plt.subplots(
    1, 2, figsize=(8, 3), layout="constrained"
)
left.imshow(image, cmap="gray_r")
left.set_axis_off()
left.set_title("image")
windows, inputs = np.nonzero(spikes)
right.plot(
    windows + random.uniform(0.1, 0.9, windows.size), inputs, "k.", ms=2
)
right.set(xlabel="window of 10 ms", ylabel="input", title="input spikes")
right.set_xticks(range(encoding.draws + 1))
figure

# %%
# Winner-take-all
# ---------------
# A neuron's potential is the sum of the weights of its active inputs, plus its threshold. One
# neuron wins each window. It is drawn with probability softmax(potential), so that a clear leader
# almost always wins, and close rivals share.

weights = random.uniform(-0.2, 0.2, (784, 5))
potential = spikes[0] @ weights
share = np.exp(potential - potential.max())
print("potentials      ", np.round(potential, 1))
print("winning         ", np.round(share / share.sum(), 3))

# %%
# STDP
# ----
# Only the winner learns. A synapse whose input spiked in the window is strengthened (LTP), by a
# step that shrinks as the weight grows. Every other synapse is weakened (LTD) by a constant step.
# In an array this is a programming pulse on each of the winner's cells, and on no other cell.

w = np.linspace(-1, 1, 101)
figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
axis.plot(w, 0.2 * np.exp(-2.4 * (w + 1)), label="LTP: a exp(-b (w + 1))")
axis.plot(w, np.full_like(w, -0.2 / 19), label="LTD: -c")
axis.axhline(0, color="0.7", lw=0.8)
axis.set(xlabel="weight", ylabel="step of the weight")
axis.legend()
figure

# %%
# Where the two balance, the weight says how probable it is that the input spikes before this
# neuron does. So a neuron's weights become a picture of what it fires for.
#
# Soft pruning
# ------------
# Now the real network learns: 12,000 images, 100 neurons. When a neuron has fired often enough,
# its weakest weights are set to the lowest conductance. They are still read, but never receive a
# pulse again. That is soft pruning. Conventional pruning removes them.

settings = {"images": 12000, "epochs": 1, "n_neurons": 100}
full = synarray.train("full-field", settings=settings)
pruned = synarray.train("soft-pruned", settings=settings)
for name, result in (("unpruned", full), ("75 % soft-pruned", pruned)):
    print(
        f"{name:17} {result.accuracy:.2%} correct, {result.pulses:,} pulses"
    )

# %%
# What the neurons of the pruned network have learned:

from synarray.report.figures import receptive_fields
from synarray.run.folder import result_arrays

figure = receptive_fields(result_arrays(pruned), pruned.image_shape, 24)
figure

# %%
# Eight masks: synapses that still learn are bright, frozen ones are dark.

alive = pruned.machine.array.alive.astype(bool)[:8]
masks = np.full((8, 784), np.nan)
masks[:, pruned.retina.inputs] = alive[:, : len(pruned.retina.inputs)]
figure, axes = plt.subplots(1, 8, figsize=(8, 1.3), layout="constrained")
for axis, mask in zip(axes, masks, strict=True):
    axis.imshow(mask.reshape(28, 28), cmap="viridis", vmin=0, vmax=1)
    axis.set_axis_off()
figure

# %%
# The training curve. Images are classified before the network learns from them.

from synarray.report.figures import training_curve

figure = training_curve(pruned.history, pruned.accuracy)
figure

# %%
# The whole experiment, on all images and three seeds, is one command: ``synarray reproduce``. Its
# numbers are on the page of results.
