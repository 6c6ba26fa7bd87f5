# %% [markdown]
# # Many particles: monomers against dimers
#
# Five monomers and eight dimers are simulated, analysed one by one and compared, as in figure 3 of the paper;
# the numbers of lines and the angles between dipoles come with errors, the groups with p-values.
#
# Each particle is measured for 40 s. Energies scatter by 18 meV, the axes of the two dots of a dimer are 20°
# apart within 8°, spectral diffusion is 0.3 to 1.6 meV, and charging is left to chance: what a particle is
# like is drawn, and known.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from spq.spectroscopy import (
    analyse,
    compare_shapes,
    draw_particle,
    origins,
    population,
    simulate,
)
from spq.spectroscopy.particlelines import brightest_state
from spq.spectroscopy.plotpopulation import plot_population

plt.rcParams["figure.dpi"] = 80
MONOMERS, DIMERS = 5, 8
TURN, SCATTER = 20.0, 8.0  # degrees

analyses, neutral, turns = [], [], []
for seed, dots in enumerate([1] * MONOMERS + [2] * DIMERS):
    simulation, turn = draw_particle(
        dots,
        seed,
        apart_meV=12.0,
        turn_deg=(TURN, SCATTER),
        rates=(2500.0, 4000.0),
        plate_every=2.0,
        duration=40.0,
    )
    measurement, _ = simulate(simulation, seed)
    parts = ("lines", "decays") if dots == 1 else ("lines", "decays", "tracks", "emitters")
    analyses.append(analyse(measurement, parts=parts))
    neutral.append(np.array(simulation.energies.table[(0,) * dots, 0]))
    turns.append(turn)
ds = population(analyses, ["monomers"] * MONOMERS + ["dimers"] * DIMERS)

figure = plot_population(ds)
figure.set_dpi(80)
display(figure)

# %% [markdown]
# Lines are those of the brightest state of each particle, so that a trion does not count as a second line.
# Bars have the standard errors of drawing so few particles; diamonds are medians with 68 % intervals.
# Long lifetimes of dimers come out 1 % above the 90 ns that were drawn: the counter's afterpulses, which no
# fit of a decay knows, come late. Without them there is no such difference.

# %%
lines = ds["lines"].values
print("lines of monomers:", lines[:MONOMERS].astype(int), " of dimers:", lines[MONOMERS:].astype(int))
p = dict(zip(ds["quantity"].values, ds["mann_whitney_p"].values[0], strict=True))
print(
    "p that both groups are alike:",
    ", ".join(f"{name} {p[name]:.2g}" for name in ("lines", "long_amplitude")),
)
pulls = (ds["polarisation_difference"].values - turns) / ds["polarisation_difference_error"].values
print("angles between the axes, found and true:")
for found, error, true in zip(
    ds["polarisation_difference"].values, ds["polarisation_difference_error"].values, turns, strict=True
):
    if np.isfinite(found):
        print(f"  {found:5.1f} ± {error:.1f}°, {true:5.1f}°")
uniform, peaked = float(ds["uniform_p"][1]), float(ds["angle_p"][1])
print(f"p that they are uniform: {uniform:.3f}; that they are {ds.attrs['angle']:.0f}°: {peaked:.2f}")

assert (lines[:MONOMERS] == 1).all() and (lines[MONOMERS:] == 2).all()
assert p["lines"] < 0.01 and p["long_amplitude"] > 0.05  # decays of both groups were drawn alike
assert np.isfinite(pulls).sum() >= 7 and 0.3 < np.nanstd(pulls) < 1.8
assert uniform < 0.05 < peaked

# %% [markdown]
# ## The shape of a line decides how many there are
#
# A line that drifts while it is summed is Gaussian. The paper fits Lorentzians; here are both, for the sum of
# one monomer, with replicas in the fit and without, and where lines may be as near each other as 0.5 meV.

# %%
chosen = analyses[MONOMERS - 1]
counts, wavelength = chosen["state_spectrum"].values[brightest_state(chosen)], chosen["wavelength"].values
excess = float(chosen["excess"])
ways = {
    "replicas, lines 6 meV apart": {},
    "replicas, lines 0.5 meV apart": {"apart_meV": 0.5},
    "no replicas, lines 6 meV apart": {"phonons_meV": ()},
}
fits = {name: compare_shapes(counts, wavelength, excess=excess, **options) for name, options in ways.items()}
for name, both in fits.items():
    told = [
        f"{len(fit.positions)} ({kind}, deviance {fit.reduced_deviance:.2f})" for kind, fit in both.items()
    ]
    print(f"{name}: found {'; '.join(told)}")

figure, panels = plt.subplots(1, 2, sharey=True, figsize=(8.2, 3.4), layout="constrained")
energy = chosen["energy"].values
near = 1e3 * (energy - neutral[MONOMERS - 1][0])
for axes, (kind, color) in zip(panels, (("gaussian", "#0072B2"), ("lorentzian", "#D55E00")), strict=True):
    fit = fits["replicas, lines 0.5 meV apart"][kind]
    axes.plot(near, counts, ".", ms=4, color="#999999", label="sum of one state")
    axes.plot(near, fit.means, color=color, lw=1.2, label=f"{kind}, lines: {len(fit.positions)}")
    for position in fit.positions:
        axes.axvline(1e3 * (position - neutral[MONOMERS - 1][0]), color=color, lw=0.7, ls=":")
    axes.set(xlim=(-45.0, 10.0), xlabel="energy from the true line (meV)")
    axes.set_yscale("symlog", linthresh=10.0)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
panels[0].set_ylabel("photons per pixel")
plt.show()

free, bare = fits["replicas, lines 0.5 meV apart"], fits["no replicas, lines 6 meV apart"]
assert [len(fit.positions) for fit in fits["replicas, lines 6 meV apart"].values()] == [1, 1]
assert len(free["gaussian"].positions) == 1 < len(free["lorentzian"].positions)
assert len(bare["gaussian"].positions) > 1 and len(bare["lorentzian"].positions) > 1
default = fits["replicas, lines 6 meV apart"]
assert default["gaussian"].reduced_deviance < 1.3 < 1.7 < default["lorentzian"].reduced_deviance

# %% [markdown]
# **One monomer is one line only with Gaussians and replicas in the fit.** Without replicas they are read as
# lines, and Lorentzians read the drifted line as several.
#
# ## Where further lines come from
#
# A further line can be a second dot, a trion, a replica, a shake-up line or a third dot; each has its
# posterior from distance, brightness, decay, whether it is lit together with others, and drift.

# %%
said = {"right": 0, "wrong": 0, "undecided": 0}
for number, each in enumerate(analyses):
    for found in origins(each):
        # in truth a line is a dot's if it is near its neutral energy, otherwise (14 meV lower) a trion
        distance = 1e3 * np.abs(found.energy - neutral[number]).min()
        true = "second dot" if distance < 5.0 else "trion"
        verdict = "undecided" if found.origin == "undecided" else "right" if found.origin == true else "wrong"
        said[verdict] += 1
        kind = "monomer" if number < MONOMERS else "dimer"
        print(
            f"{kind} {number + 1}: {found.energy:.4f} eV is {found.origin} "
            f"({max(found.probabilities.values()):.2f}, by {found.decided_by}); in truth {true}"
        )
print(said)
assert said["wrong"] == 0 and said["right"] >= 8
assert all(found.origin != "second dot" for each in analyses[:MONOMERS] for found in origins(each))

# %% [markdown]
# **What is decided is right; what is not is called undecided:** in dimer 8 the dots are 16 meV apart, nearly
# as far as a trion is from its exciton. That thirteen particles tell monomers from dimers by their number of
# lines says that such a fit is good enough, not that real dimers always have two.
