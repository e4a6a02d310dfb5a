"""
4. Your own data, and scikit-learn
==================================

``SpikingClassifier`` is a scikit-learn classifier. It takes images or plain tables of numbers.
"""

# %%
# A table
# -------
# Each column is spread over a few receptors, so that numbers become spikes. Learning sees no
# label. Labels only name the neurons afterwards.

from sklearn.datasets import load_digits, load_wine
from sklearn.model_selection import cross_val_score, train_test_split

import synarray

x, y = load_wine(return_X_y=True)
classifier = synarray.SpikingClassifier(
    n_neurons=60, epochs=20, random_state=0
)
print("wine:", cross_val_score(classifier, x, y, cv=3).round(3))

# %%
# Small images
# ------------
# Images of 8 x 8 pixels are read better as a table. Larger ones are given their shape,
# ``image_shape=(28, 28)``, and get local fields.

x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
classifier = synarray.SpikingClassifier(epochs=10, random_state=0)
classifier.fit(x_train, y_train)
print(
    f"digits: {classifier.score(x_test, y_test):.1%} of {len(x_test)} images correct"
)

# %%
# In a device
# -----------
# The same classifier, in the cells of a device.

classifier.set_params(device="taox-hfox").fit(x_train, y_train)
print(f"digits in TaOx/HfOx: {classifier.score(x_test, y_test):.1%}")

# %%
# A data set for every command
# ----------------------------
# An ``.npz`` file with four arrays is a data set: commands and experiments take its path.

import numpy as np

np.savez(
    "digits.npz",
    x_train=x_train.reshape(-1, 8, 8),
    y_train=y_train,
    x_test=x_test.reshape(-1, 8, 8),
    y_test=y_test,
)
settings = {"data": "digits.npz", "n_neurons": 100, "epochs": 10}
settings["inputs.select"] = "all"
result = synarray.train("full-field", settings=settings)
print(f"{result.accuracy:.1%} correct")

# %%
# Which class was taken for which:

from synarray.report.figures import confusion

figure = confusion(result.evaluation.confusion, result.classes)
figure

# %%
# The same at the shell: ``synarray train full-field --neurons 100 --epochs 10 --set
# data=digits.npz --set inputs.select=all``
