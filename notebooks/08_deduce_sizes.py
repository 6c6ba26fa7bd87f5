# %% [markdown]
# # Sizes deduced from spectra
#
# The sizes of the paper's dimer (its figure S5) from its two lines and two trion shifts, with all that these
# leave open.
#
# A dimer emits two zero-phonon lines, at 2.142 and 2.195 eV; an extra electron shifts them by −10 and by −18
# meV. Which core radii and shell thicknesses explain that, how well are they known, and which combinations
# does the spectrum leave open? Meshes are coarse here, to be quick; energies are good to about 1 meV, shifts
# to 0.1.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

import spq

plt.rcParams["figure.dpi"] = 80

MEASURED = {
    "X@1": (2.142, 0.001),  # eV: value, standard error
    "X@2": (2.195, 0.001),
    "X-@1 - X@1": (-10.0, 1.0),  # meV
    "X-@2 - X@2": (-18.0, 1.0),
}
SIZES = ("dots[1].core_radius", "dots[1].shell_thickness", "dots[2].core_radius", "dots[2].shell_thickness")
image = spq.Model(spq.Molecule.dimer((1.9, 1.3), (1.2, 3.0)), accuracy="coarse", self_energy="image")

# %% [markdown]
# ## With the self-energy `image`
#
# The solver computes some 50 dimers spread over the ranges. Smooth functions are fitted to them in batches,
# and each batch is predicted before it is learned: that tests their error, which is added to that of the
# measurement. Then the posterior density of the four sizes is sampled.

# %%
ranges = dict(
    zip(SIZES, [(1.8, 2.2), (0.8, 1.4), (1.2, 1.45), (2.0, 3.2)], strict=True)
)  # nm, uniform between
deduced = spq.deduce(MEASURED, ranges, image, points=48)
display(spq.plot.corner(deduced))

low, high = deduced["interval"].values
for i, name in enumerate(SIZES):
    print(f"{name:26}{float(deduced['median'][i]):5.2f} nm, 68 % within {low[i]:.2f} .. {high[i]:.2f}")
for i, name in enumerate(deduced["quantity"].values):
    rms, used = float(deduced["emulator_rms"][i]), int(deduced["points_used"][i])
    print(f"{name:12} emulator: {rms:.1g} {deduced['quantity_unit'].values[i]} from {used} dimers")

assert deduced.attrs["chi2"] < 0.1  # four numbers, four sizes: all is explained
assert np.all(deduced["emulator_rms"] < 0.4 * deduced["error"])
assert low[0] < 2.02 < high[0] and low[2] < 1.34 < high[2]

# %% [markdown]
# **The larger core with the thin shell is dot 1.** Core and shell of each dot are strongly anticorrelated:
# the line fixes one combination of the two within hundredths of a nm, and the shift of the trion, known to 1
# meV, says how they share it. The shell of dot 2 is thicker than its carriers reach, so that the spectrum
# hardly tells how thick.

# %%
correlation = deduced["correlation"].values
narrowing = dict(zip(SIZES, deduced["narrowing"].values, strict=True))
print(f"correlation of core and shell: dot 1 {correlation[0, 1]:.2f}, dot 2 {correlation[2, 3]:.2f}")
print(f"shell of dot 2: {narrowing[SIZES[3]]:.1f} times narrower than the prior")

assert correlation[0, 1] < -0.9 and correlation[2, 3] < -0.9
assert abs(correlation[0, 2]) < 0.3  # one dot says little about the other
assert narrowing[SIZES[3]] < 1.6

# %% [markdown]
# ## Without self-energy
#
# With `none` carriers lack the energy of their own image charges, about 0.1 eV. To emit as blue, the dots
# must be smaller; and in smaller dots the trion's shift is the same again. The ranges are therefore others.

# %%
smaller = dict(zip(SIZES, [(1.4, 1.7), (0.5, 0.9), (1.05, 1.22), (1.05, 1.7)], strict=True))
none = image.replace(molecule=spq.Molecule.dimer((1.55, 1.14), (0.7, 1.3)), self_energy="none")
without = spq.deduce(MEASURED, smaller, none, points=72)

figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.8), layout="constrained", sharey=True)
for dot, axes in enumerate(panels):
    for ds, color, marker, label in ((deduced, "#0072b2", "o", "image"), (without, "#d55e00", "s", "none")):
        core, shell = ds["samples"].values[:, 2 * dot : 2 * dot + 2].T
        axes.plot(core, shell, marker, color=color, ms=2, alpha=0.15, rasterized=True)
        best = ds["best"].values[2 * dot : 2 * dot + 2]
        axes.plot(*best, marker, color=color, ms=9, mec="black", label=f"{label}, best fit and samples")
    axes.set(xlabel="core radius (nm)", title=f"dot {dot + 1}")
panels[0].set_ylabel("shell thickness (nm)")
panels[0].legend(loc="upper center", frameon=False)
display(figure)
plt.close(figure)

for model, ds in (("image", deduced), ("none", without)):
    outer = ds["samples"].values.reshape(-1, 2, 2).sum(axis=2)
    radii = " and ".join(f"{np.median(each):.2f} ± {each.std():.2f}" for each in outer.T)
    print(f"{model:6} chi2 {ds.attrs['chi2']:.1g}, outer radii {radii} nm")
radii = [np.median(ds["samples"].values.reshape(-1, 2, 2).sum(axis=2), axis=0) for ds in (deduced, without)]

assert without.attrs["chi2"] < 0.1  # explained as well
assert np.all(np.abs(deduced["pull"]) < 0.1) and np.all(np.abs(without["pull"]) < 0.1)
assert np.all((radii[0] / radii[1]) ** 3 > 2.0)  # in less than half of the volume

# %% [markdown]
# **The spectrum alone cannot tell the two apart: `none` explains it with dots of less than half the volume**,
# 2.3 and 2.4 nm in outer radius instead of 3.0 and 3.9. A micrograph can: sizes known from it come in as
# normal priors, `{"low": ..., "high": ..., "mean": ..., "sigma": ...}`, and `log_evidence`, comparable where
# the priors are the same, says how much worse one of the two is. At the sizes that `image` deduces, `none`
# gives the same shifts of the trions, but both lines more than 0.1 eV too far in the red:

# %%
best = deduced["best"].values
found = spq.Molecule.dimer(core_radius=best[::2], shell_thickness=best[1::2])
for label in ("image", "none"):
    model = image.replace(molecule=found, self_energy=label)
    lines = spq.emission(model, ["X@1", "X-@1", "X@2", "X-@2"])
    energies = [each.emission_eV for each in lines]
    shifts = 1e3 * (energies[1] - energies[0]), 1e3 * (energies[3] - energies[2])
    both = f"shifts {shifts[0]:.1f} and {shifts[1]:.1f} meV"
    print(f"{label:6} lines {energies[0]:.3f} and {energies[2]:.3f} eV, {both}")
    assert abs(shifts[0] + 10) < 1.0 and abs(shifts[1] + 18) < 1.0
    if label == "image":  # solved, not emulated
        assert abs(energies[0] - 2.142) < 1.5e-3 and abs(energies[2] - 2.195) < 1.5e-3
    else:
        assert energies[0] < 2.142 - 0.1 and energies[2] < 2.195 - 0.1
