# %% [markdown]
# # Sensing and gates: what one dot tells of the other's charge
#
# The conditional shift of one dot's emission by the charge of the other, beside line widths and beside the
# scatter that surface charges bring, against shell thickness and grading: the paper's outlook in figures.
#
# A controlled gate (CNOT) needs the line of the *target* dot to move by more than its width when the
# *control* dot is charged. A sensor needs a line that moves far, and by a known amount, when a charge comes
# near. Both are differences of emission energies that spq computes; meshes are coarse here, shifts then good
# to 0.1 meV.

# %%
# %matplotlib inline
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np

import spq
from spq import gallery

plt.rcParams["figure.dpi"] = 80
BLACK, BLUE, ORANGE, GREEN = "#000000", "#0072b2", "#d55e00", "#009e73"
FAST = {"accuracy": "coarse", "self_energy": "image"}
LINE_WIDTHS = (0.1, 1.0)  # meV, of narrow and of usual zero-phonon lines of single dots at 4 K
CORES = (1.3, 1.35)  # nm, of target and control
CONDITIONS = {  # of the target: state with the control charged, state with it neutral
    "exciton, electron on control": ("segX-@1", "X@1"),
    "exciton, hole on control": ("segX+@1", "X@1"),
    "trion, electron on control": ("segT@1", "X-@1"),
}
ELECTRON, HOLE, TRION = range(3)
STATES = sorted({name for pair in CONDITIONS.values() for name in pair})
STYLES = tuple(zip(CONDITIONS, (BLUE, ORANGE, GREEN), ("o", "s", "D"), strict=True))


def dimer(shell, **options):
    # two dots fused over 0.45 nm
    dots = tuple(spq.Dot(core, shell, **options) for core in CORES)
    return spq.Model(spq.Molecule(dots), **FAST)


def conditional(model):
    # shifts of the target's line by a charge on the control in meV, and whether a state is hybridised
    found = {each.state: each for each in spq.emission(model, STATES)}
    assert all(each.converged for each in found.values())
    shifts, mixed = [], []
    for pair in CONDITIONS.values():
        charged, neutral = (found[name] for name in pair)
        shifts.append(1e3 * (charged.emission_eV - neutral.emission_eV))
        mixed.append(any(each.hybridised or not each.followed for each in (charged, neutral)))
    return np.array(shifts), np.array(mixed)


# %% [markdown]
# ## Against shell thickness and grading
#
# An exciton is neutral: a charge on the other dot acts on it only through polarisation, by the field's
# square, and through the orbitals that the dots share; the two need not have one sign. Thin shells bring the
# cores together, and in a graded shell carriers spread out. Open markers: a carrier of one of the states is
# shared between the dots (less than 0.9 on any one). The scale is linear within ±1 meV, logarithmic beyond;
# the three curves are set apart sideways by 0.03 nm.

# %%
SHELLS = np.array([0.8, 1.1, 1.4, 1.6, 1.75, 1.9, 2.1, 2.4, 2.8])  # nm
GRADINGS = np.array([0.0, 0.7, 1.4, 1.75, 2.1])  # nm, over which CdSe turns into CdS
NOMINAL, THIN, GRADED = SHELLS.tolist().index(2.1), SHELLS.tolist().index(1.4), GRADINGS.tolist().index(1.4)
models = [dimer(shell) for shell in SHELLS]
models = (models, [models[NOMINAL], *(dimer(2.1, gradation=width) for width in GRADINGS[1:])])
bare = [[conditional(model) for model in row] for row in models]
shifts, mixed = ([np.array([found[i] for found in row]) for row in bare] for i in (0, 1))
SWEEPS = ((SHELLS, "shell thickness (nm)"), (GRADINGS, "width of grading of a 2.1 nm shell (nm)"))


def draw(axes, x, values, open_, errors=None):
    # one curve per condition, (places, conditions); open markers where a point is not to be trusted
    for i, (name, color, marker) in enumerate(STYLES):
        at, hollow = x + 0.03 * (i - 1), open_[:, i]
        axes.plot(at, values[:, i], color=color, marker=marker, ms=5, lw=1.1, label=name)
        if errors is not None:
            axes.errorbar(at, values[:, i], errors[:, i], color=color, fmt="none", lw=1.0)
        axes.plot(at[hollow], values[hollow, i], marker, color=color, mfc="white", ms=5, ls="none")


def legend(figure, axes, *more):
    # below the panels: what the axes show, and more handles, each with its label
    handles, labels = (list(each) for each in axes.get_legend_handles_labels())
    handles += [plt.Line2D([], [], **style) for style, _ in more]
    labels += [label for _, label in more]
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)


OPEN = {"marker": "o", "color": BLACK, "mfc": "white", "ls": "none"}
figure, panels = plt.subplots(1, 2, sharey=True, figsize=(8.2, 4.1), layout="constrained")
for axes, (x, label), values, flags in zip(panels, SWEEPS, shifts, mixed, strict=True):
    draw(axes, x, values, flags)
    for width, shade in zip(LINE_WIDTHS[::-1], ("#e6e6e6", "#9a9a9a"), strict=True):
        axes.axhspan(-width, width, color=shade, lw=0, zorder=0, label=f"within a line width of {width} meV")
    axes.set(xlabel=label)
panels[0].set_yscale("symlog", linthresh=1.0)
panels[0].set_yticks([-10, -1, 0, 1, 10], ["-10", "-1", "0", "1", "10"])
panels[0].set(ylabel="conditional shift (meV)", ylim=(-25, 25))
legend(figure, panels[0], (OPEN, "open: a state is hybridised"))
plt.show()

# %%
nominal, graded = shifts[0][NOMINAL], shifts[1][GRADED]
assert not mixed[0][NOMINAL].any() and LINE_WIDTHS[0] < np.abs(nominal).min()
assert np.abs(nominal).max() < LINE_WIDTHS[1]  # as the paper says: less than 1 meV
for at in (NOMINAL, THIN):  # a finer mesh
    assert np.abs(conditional(models[0][at].replace(accuracy="normal"))[0] - shifts[0][at]).max() < 0.1

trusted = [np.where(flags, np.nan, values) for values, flags in zip(shifts, mixed, strict=True)]
for i, thinnest, widest in ((ELECTRON, 1.6, 1.75), (HOLE, 1.9, 0.0), (TRION, 1.1, 2.1)):
    assert (mixed[0][:, i] == (SHELLS < thinnest)).all() and (mixed[1][:, i] == (GRADINGS > widest)).all()
for values, way in zip(trusted, (-1, 1), strict=True):  # blue as the shell gets thinner or is graded
    steps = way * np.diff(values, axis=0)
    assert np.isfinite(steps).sum() >= 7 and (steps[np.isfinite(steps)] > -0.01).all()
assert np.nanargmax(np.abs(trusted[0][:, ELECTRON])) == SHELLS.tolist().index(1.6)
assert 0.9 < np.nanmax(np.abs(np.concatenate(trusted)[:, :TRION])) < 1.05
assert SHELLS[trusted[0][:, TRION] > 1.0].tolist() == [1.1, 1.4, 1.6]
assert GRADINGS[trusted[1][:, TRION] > 1.0].tolist() == [2.1]

# %% [markdown]
# **At nominal size the line moves by a few tenths of a meV: enough for a line of 0.1 meV, not for one of 1
# meV. With thinner shells the blue shift by an electron grows, and the small red one by a hole falls; with
# grading that by an electron grows. Of the points to be trusted, the exciton's reach about 1 meV at most,
# at a shell of 1.6 nm; the trion's line goes further at shells of 1.1 to 1.6 nm and one graded all through.**
#
# Not to be trusted are the open points: with an electron on the control at shells of 1.4 nm or less and at a
# grading of 2.1 nm, with a hole at shells of 1.75 nm or less and at every grading, for the trion at the
# thinnest shell. States are shared between the dots there. The mean field, which has no exchange between
# different orbitals, says at such points where to look, not what a gate would do.
#
# ## Over the scatter by surface charges
#
# A charge somewhere on the surface moves the line of the target, and also changes how far the control moves
# it: the fields of both add before they are squared. Here one charge of +1 or -1 e sits at 60 places, one
# drawn at random in each of 60 equal strips along the axis. The scatter is the standard deviation over places
# and signs; its statistical error is that of drawing again from these places (bootstrap). Charges that make a
# state hybridised are not counted; their share is printed.


# %%
def sampled(model, places=60):
    # per (condition, sign, place): shift of the target's line with the control neutral and conditional shift
    # in meV, and whether a state is hybridised or lost; equal parts of a sphere's axis are equal areas
    strips = (np.arange(places) + np.random.default_rng(3).random(places)) / places
    low = model.molecule.centers[0, 2] - model.molecule.outer_radii[0]
    high = model.molecule.centers[1, 2] + model.molecule.outer_radii[1]
    z = low + (high - low) * strips
    ds = spq.shift_map(model, states=STATES, charges=[1.0, -1.0], z=z)
    bad = ds["hybridised"] | ~ds["converged"] | ~ds["followed"]
    charged, neutral = ([STATES.index(pair[i]) for pair in CONDITIONS.values()] for i in (0, 1))
    energy, shift, bad = 1e3 * ds["energy_eV"].values, ds["shift_meV"].values, bad.values
    change, mixed = energy[charged] - energy[neutral], bad[charged] | bad[neutral]
    return SimpleNamespace(z=z, line=shift[neutral], change=change, mixed=mixed)


def spread(values, mixed):
    # standard deviation over signs and places of what counts, and its statistical error, (2, condition)
    counted = np.where(mixed, np.nan, values)
    places = np.random.default_rng(4).integers(0, values.shape[2], (400, values.shape[2]))
    again = [np.nanstd(counted[:, :, each], axis=(1, 2)) for each in places]
    return np.nanstd(counted, axis=(1, 2)), np.std(again, axis=0)


samples = [[sampled(model) for model in row] for row in models]

figure, panels = plt.subplots(1, 2, figsize=(8.2, 4.5), layout="constrained")
CROSS = {"marker": "x", "color": BLACK, "ls": "none", "ms": 9, "mew": 1.2}
for name, color, at, without in (
    ("2.1 nm shell", BLUE, samples[0][NOMINAL], nominal),
    ("the same graded over 1.4 nm", ORANGE, samples[1][GRADED], graded),
):
    for sign, (text, marker, fill) in enumerate((("+1 e", "o", color), ("-1 e", "s", "white"))):
        for axes, values in zip(panels, (at.line, at.change), strict=True):
            y, crossed = values[ELECTRON, sign], at.mixed[ELECTRON, sign]
            axes.plot(at.z, y, marker, color=color, mfc=fill, ms=4, label=f"{name}, {text}")
            axes.plot(at.z[crossed], y[crossed], **CROSS)
    panels[1].axhline(without[ELECTRON], color=color, lw=1.0, ls="--", label=f"{name}, no surface charge")
panels[0].set(ylabel="shift of the target's X (meV)")
panels[1].set(ylabel="conditional shift (meV), electron on control")
for axes in panels:
    axes.set(xlabel="z of the surface charge (nm)")
    axes.axvline(0.0, color="#bbbbbb", lw=0.8)
legend(figure, panels[1], (CROSS, "cross: a state is hybridised, not counted"))
plt.show()

for at, without in ((samples[0][NOMINAL], nominal), (samples[1][GRADED], graded)):
    line, change = (np.where(at.mixed, np.nan, each)[ELECTRON] for each in (at.line, at.change))
    assert np.abs(line[:, at.z < -0.5]).min() > 2.5
    assert np.abs(line[:, at.z > 0.5]).max() < 1.6 and np.abs(line[:, at.z > 2.0]).max() < 0.8
    left, right = (np.nanstd(change[:, part]) for part in (at.z < 0.0, at.z > 0.0))
    print(f"conditional shift: scatter by charges on target {left:.2f}, on control {right:.2f} meV")
    assert left > right > abs(without[ELECTRON])

# %% [markdown]
# The target is on the left. **More than 0.5 nm from the contact, charges on the target move its line by more
# than 2.5 meV, those on the control by less than 1.6 meV, and by less than 0.8 meV beyond 2 nm. Yet those on
# the control, too, scatter the conditional shift by more than it is.** Spectra of the target taken before and
# after thus tell of a charge on the target, less well of one on the control.
#
# Now the shift over a line width, over its own scatter, and over that of the line, drawn as before. Bars,
# mostly smaller than the markers, are statistical errors. A point over a scatter is open, too, where more
# than a tenth of the charges are not counted. Where a curve dips, the shift changes its sign.

# %%
MOST_LOST = 0.1  # of the charges, for a scatter that counts
ROW = "  {:6.2f} {:+7.2f} / {:.2f} ± {:.2f} / {:.2f} ± {:.2f} {:3.0f} %"
own, line = (
    [np.array([spread(getattr(at, which), at.mixed) for at in row]).swapaxes(0, 1) for row in samples]
    for which in ("change", "line")
)  # of each sweep the scatter and its error, (2, molecule, condition)
lost = [np.array([at.mixed.mean(axis=(1, 2)) for at in row]) for row in samples]
open_ = [flags | (share > MOST_LOST) for flags, share in zip(mixed, lost, strict=True)]

figure, panels = plt.subplots(3, 2, sharex="col", sharey="row", figsize=(8.2, 9.2), layout="constrained")
for k, (x, label) in enumerate(SWEEPS):
    size = np.abs(shifts[k])
    draw(panels[0, k], x, size / LINE_WIDTHS[1], mixed[k])
    for axes, (scatter, error) in zip(panels[1:, k], (own[k], line[k]), strict=True):
        draw(axes, x, size / scatter, open_[k], size / scatter**2 * error)
    panels[0, k].axhline(LINE_WIDTHS[0] / LINE_WIDTHS[1], color="#9a9a9a", lw=1.0, ls="--")
    panels[2, k].set(xlabel=label)
    print(f"{label}: shift / its scatter / scatter of the line (meV), share not counted, * open")
    for i, name in enumerate(CONDITIONS):
        print(f"  {name}")
        columns = (x, shifts[k][:, i], *own[k][..., i], *line[k][..., i], 100 * lost[k][:, i])
        for row, star in zip(np.column_stack(columns), open_[k][:, i], strict=True):
            print(ROW.format(*row), "*" if star else "")
for axes in panels.flat:
    axes.set_yscale("log")
    axes.axhline(1.0, color="#9a9a9a", lw=1.0)
for i, what in enumerate(("a line width of 1 meV", "its own scatter", "the scatter of the line")):
    panels[i, 0].set(ylabel=f"|conditional shift| over\n{what}")
GREY = {"color": "#9a9a9a", "lw": 1.0}
more = (
    (GREY, "a ratio of 1"),
    (GREY | {"ls": "--"}, "a line width of 0.1 meV"),
    (OPEN, "open: a state is hybridised"),
)
legend(figure, panels[0, 0], *more)
plt.show()

# %%
size, own, line = np.abs(np.concatenate(shifts)), np.concatenate(own, axis=1), np.concatenate(line, axis=1)
good = ~np.concatenate(open_)
exciton = good & (np.arange(3) != TRION)
ratio = size / own[0]
error = ratio * own[1] / own[0]
print(f"statistical error of a scatter: at most {(own[1] / own[0])[good].max():.0%} where it counts")
assert (own[1] / own[0])[good].max() < 0.15
assert (ratio + 2 * error)[exciton].max() < 1.0  # the scatter is larger than what it is about
assert (line[0] - own[0] - 2 * (line[1] + own[1]))[exciton].min() > 0.0
assert (ratio - 2 * error)[good & (size < 2.0)].max() < 1.0
assert good[THIN, TRION] and (good & (size > 2.0)).sum() == 1  # the only one above its scatter

first, last = len(SHELLS), len(SHELLS) + GRADED  # without grading, and graded over 1.4 nm
assert good[[first, last], ELECTRON].all() and 0.25 < ratio[last, ELECTRON] < 0.35
assert (ratio[last] - ratio[first] - 2 * (error[last] + error[first]))[ELECTRON] > 0.0
assert 1.5 < ratio[last, ELECTRON] / ratio[first, ELECTRON] < 2.5

at, shift = sampled(models[0][THIN], 240), size[THIN, TRION]
(part, part_error), (full, _), (moved, _) = (
    [each[TRION] for each in spread(values, flags)]
    for values, flags in ((at.change, at.mixed), (at.change, at.mixed & False), (at.line, at.mixed & False))
)
print(f"trion at 1.4 nm, 240 places: {shift:.2f} meV; scatter {part:.2f} ± {part_error:.2f},", end=" ")
print(f"with all charges {full:.2f}, of the line {moved:.2f} meV; {at.mixed[TRION].mean():.0%} hybridised")
assert shift / (part - 2 * part_error) < 2.5 and shift / (part + 2 * part_error) > 1.5
assert part + 2 * part_error < full < 0.8 * shift and 0.85 < moved / shift < 1.0
assert 0.05 < at.mixed[TRION].mean() < MOST_LOST

# %% [markdown]
# **One unknown surface charge scatters the exciton's conditional shift by more than the shift itself, at
# every shell and grading to be trusted, and the line by more still. Grading over 1.4 nm helps: the shift by
# an electron over its scatter about doubles, to 0.3.** A gate of excitons must therefore know its surface
# charges.
#
# **The trion is better: with a shell of 1.4 nm its shift is 2.2 meV, more than a line of 1 meV and about
# twice its scatter.** The dots are close to sharing states there: some charges, fewer than a tenth, make them
# do so. With these counted the scatter is larger but still less than the shift, and that of the line nearly
# as large as it. At no other point to be trusted is the shift surely above its scatter.
#
# ## Sensing
#
# For a sensor that is good news. How far does a charge Q at the outer pole of a dot move the dot's line, and
# which is the least change of Q that shows? The exciton feels the square of Q; a *segregated* trion, with an
# electron parked on the other dot, feels the field of both, and so the sign of Q.

# %%
charges = np.array([-1.0, -0.8, -0.6, -0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
model = gallery.heterodimer(**FAST)
ds = spq.shift_map(model, states=["X@1", "segX-@1"], charges=charges, z=[-6.6]).squeeze("point")
senses, mixed = ds["shift_meV"], ds["hybridised"].values
fit = np.polynomial.Polynomial.fit(charges, senses.sel(state="X@1"), 4)
slope = fit.deriv()

ERRORS = np.geomspace(0.003, 1.0, 60)  # meV, to which a line's place is known
STEPS = np.linspace(0.0, 1.0, 4001)
figure, panels = plt.subplots(1, 2, figsize=(8.2, 3.6), layout="constrained")
for i, (state, color, marker) in enumerate((("X@1", BLACK, "o"), ("segX-@1", ORANGE, "^"))):
    line = senses.sel(state=state).values
    panels[0].plot(charges, line, color=color, marker=marker, lw=1.0, label=state)
    panels[0].plot(charges[mixed[i]], line[mixed[i]], marker, color=color, mfc="white")
least = {}
for resident, color, style in ((0.0, BLACK, "-"), (1.0, BLUE, "--")):
    # a step of the charge towards zero, where there is one already
    moved = np.abs(fit(resident - STEPS) - fit(resident))
    least[resident] = np.interp(ERRORS, np.maximum.accumulate(moved), STEPS)
    name = f"X@1, beside a charge of {resident:+.0f} e" if resident else "X@1, no charge before"
    panels[1].loglog(ERRORS, least[resident], style, color=color, label=name)
panels[0].set(xlabel="charge at the outer pole of dot 1 (e)", ylabel="shift (meV)")
panels[1].set(xlabel="error of the line's place (meV)", ylabel="least change of charge that shows (e)")
panels[0].plot([], [], label="open: hybridised", **OPEN)
for axes, place in zip(panels, ("lower center", "upper left"), strict=True):
    axes.grid(True, color="#e6e6e6", lw=0.6)
    axes.legend(frameon=False, fontsize=9, loc=place)
plt.show()

# %%
plus, minus = (senses.sel(charge=sign) for sign in (1.0, -1.0))
odd = {state: float((plus - minus).sel(state=state)) for state in ("X@1", "segX-@1")}
print(f"+1 e less -1 e: X@1 {odd['X@1']:+.2f}, segX-@1 {odd['segX-@1']:+.2f} meV")
assert abs(odd["X@1"]) < 0.5 and odd["segX-@1"] < -4.0  # only the segregated trion tells the sign
assert mixed[1].any() and not mixed[1][np.abs(charges) > 0.2].any() and not mixed[0].any()
at = int(np.argmin(np.abs(ERRORS - 0.01)))  # a line of 1 meV with 10 000 photons
print(f"beside +1 e: slope {slope(1.0):+.1f} meV/e, least change at 0.01 meV {least[1.0][at]:.4f} e")
print(f"without a charge: {least[0.0][at]:.3f} e")
assert slope(1.0) < -6.0 and 0.0008 < least[1.0][at] < 0.0013 and 15 < least[0.0][at] / least[1.0][at] < 25
apart = spq.levels(model).splitting_meV["electron"]
print(f"electron levels {apart:.1f} meV apart")
assert 6.5 < apart < 7.5

# %% [markdown]
# The place of a line of width w is known to w/√N with N photons, to 0.01 meV with 10 000 photons of 1 meV.
# **Beside a charge that stays, the exciton shows changes of about a thousandth of an elementary charge at the
# pole, some twenty times less than without one.** The segregated trion tells the sign, but only beyond 0.2 e:
# a smaller charge brings the electron levels of the two dots, which are 7 meV apart, across each other (open
# markers). This counts photons alone; the drift of lines with time, which experiments see, is not in it.
