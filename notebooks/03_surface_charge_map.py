# %% [markdown]
# # The surface-charge shift map of a heterodimer
#
# How far a point charge on the surface of two fused dots shifts which emission, and from where: figure 5 of
# the paper at nominal size and at sizes deduced from its lines, with three self-energies beside each other.
#
# `accuracy="coarse"` keeps it within seconds; shifts then differ from those of `"normal"` by less than
# 0.1 meV, except at hybridised points (below). "The paper" is Panfil, Cui, Koley and Banin, arXiv:2206.09626.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np

import spq
from spq import gallery

plt.rcParams["figure.dpi"] = 80
BLACK, BLUE, ORANGE, GREEN = "#000000", "#0072b2", "#d55e00", "#009e73"

# %% [markdown]
# ## From a molecule to the map
#
# Lengths are in nm. Dot 1 is at negative z, dot 2, with the larger core, at positive z; they meet near
# z = 0. Without `states`, `charges` and `points` the map has six states, two signs and 41 positions
# from pole to pole.

# %%
molecule = spq.Molecule.dimer(core_radius=(1.3, 1.35), shell_thickness=2.1, center_distance=6.4)
model = spq.Model(molecule, self_energy="none", accuracy="coarse")
shifts = spq.shift_map(model)

print(dict(shifts["shift_meV"].sizes))
print(f"{int(shifts['converged'].sum())} of {shifts['converged'].size} points converged")
assert shifts["converged"].all()

# %%
spq.plot.shift_map(shifts)

# %% [markdown]
# Rows are emitting dots (the bright one in the sketch), columns signs of the charge. The left scale is
# the emission energy, the right one counts from the exciton of the same dot without charge; a dashed
# line is a state without charge.
#
# ## Reading shifts
#
# The map is an `xarray.Dataset`. `shift_meV` is measured against the same state without charge:
# negative is red. Positions are the coordinate `z_nm`. `shift_error_meV` is spq's own estimate of the
# numerical error of each shift: mesh, basis and self-consistency, nothing of the model.

# %%
shift = shifts["shift_meV"].swap_dims(point="z_nm")
print(f"{float(shift.sel(state='X@1', charge=-1).sel(z_nm=-3.2, method='nearest')):+.2f} meV")
print(f"estimated errors: at most {float(shifts['shift_error_meV'].max()):.3f} meV")
assert 0.0 < shifts["shift_error_meV"].min() and shifts["shift_error_meV"].max() < 0.1

shift.sel(charge=1).sel(z_nm=[-6.6, -3.2, 0.0, 3.2, 6.6], method="nearest").to_pandas().round(2)

# %% [markdown]
# **A charge on the emitting dot shifts to the red, whatever its sign.** The exciton is neutral: to first
# order a charge moves electron and hole by opposite amounts, which cancel, and what is left is
# polarisation, quadratic in the charge. **On the other dot the charge hardly matters** to the exciton
# and the trion.

# %%
z = shift["z_nm"]
for state in shift["state"].values:
    toward_emitter = z if state.endswith("@2") else -z
    own = shift.sel(state=state).where(toward_emitter > 1.5, drop=True)
    other = shift.sel(state=state).where(toward_emitter < -1.5, drop=True)
    print(
        f"{state:8s} emitting dot {float(own.min()):+.2f} to {float(own.max()):+.2f} meV, "
        f"other dot {float(other.min()):+.2f} to {float(other.max()):+.2f} meV"
    )
    assert own.max() < -1.0, "red for both signs, by more than 1 meV"
    if not state.startswith("seg"):
        assert -0.6 < other.min() and other.max() < 0.0, "small on the other dot"

# %% [markdown]
# In a segregated state the other dot holds an electron, whose field F₂ is there with or without the
# charge. Polarisation is quadratic in the whole field, (F + F₂)², so the shift gains a part 2F·F₂ that
# changes sign with the charge; near the neck it can even turn it blue. At the pole the mean over both
# signs is nearly the exciton's again.

# %%
pole = shift.isel(z_nm=0)  # the far pole of dot 1
for state in ("X@1", "segX-@1"):
    plus, minus = (float(pole.sel(state=state, charge=sign)) for sign in (1, -1))
    print(f"{state:8s} mean {(plus + minus) / 2:+.2f} meV, half the difference {(plus - minus) / 2:+.2f} meV")

mean = pole.mean("charge")
difference = abs(pole.sel(charge=1) - pole.sel(charge=-1)) / 2
assert abs(mean.sel(state="segX-@1") - mean.sel(state="X@1")) < 0.7
assert difference.sel(state="segX-@1") > 3 * difference.sel(state="X@1")

# %% [markdown]
# ## Without surface charge
#
# An extra electron on the *other* dot is almost invisible: X and segX- coincide, as do X- and segT. One
# on the *emitting* dot is not: the trion is 10 to 20 meV to the red of the exciton.

# %%
reference = {state: float(shifts["reference_eV"].sel(state=state)) for state in shifts["state"].values}
reference["X-@1"] = spq.emission(model, "X-@1").emission_eV  # not in the map; the same mesh and basis

for first, second in (("segX-@1", "X@1"), ("segT@1", "X-@1"), ("segT@2", "X-@2")):
    apart = 1e3 * (reference[first] - reference[second])
    print(f"{first:8s} less {second:4s} {apart:+7.2f} meV")
    assert abs(apart) < 1.0
for dot in (1, 2):
    trion = 1e3 * (reference[f"X-@{dot}"] - reference[f"X@{dot}"])
    print(f"X-@{dot}     less X@{dot}  {trion:+7.2f} meV")
    assert -20.0 < trion < -10.0

# %% [markdown]
# ## Following
#
# A segregated state is not the ground state: its electron would gain energy in the other dot. spq does
# not take the lowest solution, it puts every carrier on its dot and follows it from there. `followed`
# says that each has more than half of its density on its dot; where it is false the state was lost.
# The populations show it, here over all places and signs.

# %%
for state, electrons in (("X@1", (1, 0)), ("segX-@1", (1, 1)), ("segT@1", (2, 1)), ("X-@2", (0, 2))):
    found = shifts["electrons"].sel(state=state)
    typical = found.median(("charge", "point")).values
    print(f"{state:8s} electrons on dots 1 and 2, median {np.round(typical, 3) + 0.0}")
    assert np.allclose(typical, electrons, atol=0.02)
assert shifts["followed"].all()

# %% [markdown]
# ## Hybridised points
#
# Where a charge brings a carrier level with a state of the other dot, it spreads over both. A point is
# `hybridised` if some carrier, before or after the emission, has less than 0.9 on any one dot; the
# markers are then open. Its shift contains part of the splitting between the dots, so it can jump from
# one place to the next.
#
# Here a negative charge on dot 1 lifts the electron of dot 1 in segT@2.

# %%
state, sign = "segT@2", -1
line = shifts.sel(state=state, charge=sign)
x, mixed = line["z_nm"].values, line["hybridised"].values
on_dot_1 = line["electrons"].sel(dot=1).values

figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6.0, 4.6), layout="constrained")
for axes, y in ((above, line["shift_meV"].values), (below, on_dot_1)):
    axes.plot(x, y, "-", color="#009e73", lw=1.0)
    axes.plot(x[~mixed], y[~mixed], "D", color="#009e73", ms=4, label="localised")
    axes.plot(x[mixed], y[mixed], "D", color="#009e73", mfc="white", ms=5, label="hybridised")
    axes.grid(True, color="#e6e6e6", lw=0.6)
above.set_title(f"{state}, surface charge −1 e")
above.set_ylabel("shift (meV)")
above.legend(frameon=False)
below.axhline(0.9, color="#555555", ls="--", lw=0.9)
below.annotate("0.9", (x[-1], 0.9), (0, -3), textcoords="offset points", ha="right", va="top")
below.set_ylabel("electrons on dot 1")
below.set_xlabel("position along the long axis, z (nm)")
plt.show()

assert 0 < mixed.sum() < 10
assert np.all(on_dot_1[mixed & (x < -1.5)] < 0.9)

# %% [markdown]
# The state that it mixes with is the lowest one of dot 2, which two electrons fill already. Exchange would
# forbid that; the mean field has none between different orbitals. There are then several solutions, and a
# finer mesh can give another one. So do not read an open marker as a trend: it says where a state stops
# being that of separate dots.
#
# In this map nothing else jumps away from the neck: wherever the shift changes by more than 1 meV from one
# place to the next, one of the two is marked. With other sizes and self-energies the flag misses jumps (see
# Outliers).

# %%
step = np.abs(np.diff(shifts["shift_meV"], axis=-1))
marked = shifts["hybridised"].values
beside_marked = marked[..., 1:] | marked[..., :-1]
places = shifts["z_nm"].values
away = np.minimum(np.abs(places[1:]), np.abs(places[:-1])) > 1.0
print(f"largest step beside a marked point {step[beside_marked & away].max():.2f} meV")
print(f"largest step elsewhere             {step[~beside_marked & away].max():.2f} meV")
assert step[beside_marked & away].max() > 1.0 > step[~beside_marked & away].max()

# %% [markdown]
# Near the neck the charge is close to both dots, and states change from place to place more than the
# flag shows: with a charge of +1 e at z = −0.31 nm, X-@2 jumps by 2 meV while each of its electrons
# still has 0.94 on dot 2. `electrons` and `final_electrons` tell.

# %%
near = shifts.sel(state="X-@2", charge=1).isel(point=slice(17, 22))
for point in range(near.sizes["point"]):
    here = near.isel(point=point)
    share = float(here["electrons"].sel(dot=1)) / 2
    height, change = float(here["z_nm"]), float(here["shift_meV"])
    print(f"z {height:+.2f} nm: {change:+.2f} meV, each electron {share:.3f} on dot 1")
leak = near["electrons"].sel(dot=1) / 2
assert 0.03 < leak.max() < 0.1 and not near["hybridised"].any()

# %% [markdown]
# ## Three self-energies, two sizes
#
# The sizes of the paper's sample are nominal; its axis of surface charges, from −6.4 to +8.4 nm, is longer
# than a nominal dimer. From its lines (2.142 and 2.195 eV) and trion shifts (−10 and −18 meV) other sizes
# follow with the self-energy `image`: `08_deduce_sizes` gets cores of 2.01 and 1.34 nm and shells of 1.0
# and 2.6 nm. Figure 5 for that dimer, with dot 1 at positive coordinates as in the paper. Its long side is
# *not* the paper's: here it is that of dot 2, at negative coordinates, in the paper that of positive ones.
# And with 13.5 nm it is shorter than the paper's 14.8 nm, hardly longer than the nominal dimer (13.25 nm).

# %%
published = gallery.published_dimer(accuracy="coarse")
deduced = spq.shift_map(published, points=21)
left, right = -float(deduced["z_nm"][-1]), -float(deduced["z_nm"][0])
nominal_length = float(np.ptp(shifts["z_nm"].values))
print(f"from {left:.1f} to {right:.1f} nm, {right - left:.2f} nm long; nominal size {nominal_length:.2f} nm")
assert deduced["converged"].all()
assert -left > right + 0.5 and 0.0 < right - left - nominal_length < 0.3 and right - left < 14.8 - 1.0
spq.plot.shift_map(deduced, flip=True)

# %%
STATES = ("X@1", "X@2", "segT@1")
SELF_ENERGIES = {"none": (BLACK, "o"), "image": (BLUE, "s"), "density": (ORANGE, "^")}
maps = {("nominal", "none"): shifts, ("deduced", "image"): deduced}
for size, starting in (("nominal", model), ("deduced", published)):
    for label in SELF_ENERGIES:
        if (size, label) not in maps:
            maps[size, label] = spq.shift_map(starting.replace(self_energy=label), states=STATES, points=21)


def jumps(ds):
    # of each step from place to place: how far it is from the median of the five steps around it, in meV
    step = np.diff(ds["shift_meV"].values, axis=-1)
    wider = np.pad(step, [(0, 0)] * (step.ndim - 1) + [(2, 2)], mode="edge")
    return np.abs(step - np.median(np.lib.stride_tricks.sliding_window_view(wider, 5, axis=-1), axis=-1))


def off(ds, which):
    # how far the electrons ("electrons" or "final_electrons") of a dot are from the state's whole number
    found = ds[which]
    return np.abs(found - found.median(("charge", "point")).round()).max("dot").values


def mixed(ds):
    # of each point, before or after the emission, whichever is more
    return np.maximum(off(ds, "electrons"), off(ds, "final_electrons"))


def with_gaps(x, y, gaps):
    # for a line that is not drawn across the steps of these numbers
    return np.insert(x, gaps + 1, np.nan), np.insert(y, gaps + 1, np.nan)


JUMP, WHOLE = 0.7, 0.03  # meV; electrons
figure, panels = plt.subplots(2, 3, sharex="row", sharey=True, figsize=(9.4, 6.4), layout="constrained")
for row, size in zip(panels, ("nominal", "deduced"), strict=True):
    for axes, state in zip(row, STATES, strict=True):
        for label, (color, marker) in SELF_ENERGIES.items():
            ds = maps[size, label].sel(state=[state])
            uneven = mixed(ds)[0] > WHOLE
            marked = ds["hybridised"].values[0]
            broken = (
                (jumps(ds)[0] >= JUMP) & (uneven[:, 1:] | uneven[:, :-1]) | marked[:, 1:] | marked[:, :-1]
            )
            x = ds["z_nm"].values
            for row_of, (charge, style) in enumerate(((1, "-"), (-1, "--"))):
                line = ds.isel(state=0).sel(charge=charge)
                y, open_ = line["shift_meV"].values, line["hybridised"].values
                name = f"{label}, {charge:+d} e"
                drawn = with_gaps(x, y, np.flatnonzero(broken[row_of]))
                axes.plot(*drawn, style, color=color, lw=1.0, label=name)
                axes.plot(x[~open_], y[~open_], ".", color=color, ms=4.5)
                axes.plot(x[open_], y[open_], marker, color=color, mfc="white", ms=5)
        axes.axvline(0.0, color="#bbbbbb", lw=0.8)
        axes.set_title(f"{state}, {size} size", fontsize=10)
    row[0].set_ylabel("shift (meV)")
for axes in panels[1]:
    axes.set_xlabel("z of the charge (nm)")
handles, labels = panels[0, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
plt.show()

# %% [markdown]
# Each dot is a computed point, open markers are hybridised ones; dot 1 is on the left. Lines are not drawn
# across jumps (0.7 meV or more of shared electrons, see below) and to hybridised points: nothing is known
# in between. **The three self-energies agree on the exciton's shift within 1 meV, wherever its electron is
# on one dot: what the self-energy adds is nearly the same with the charge and without.** It decides how
# blue the dots emit, not how far a charge shifts them. Size does more: on the larger dot of the deduced
# dimer, where the shell is only 1 nm, the charge is close to the core and the core is easily polarised. Dot
# 2 of the deduced dimer, behind 2.6 nm, is shifted no more than a nominal dot: less than 5 meV.
#
# With `density`, segT@1 of the deduced dimer is 1.4 meV bluer even with the charge far away, whatever its
# sign. It is the state without charge that is special: its two electrons of dot 1 have 6 % each on dot 2
# (see below).


# %%
def largest(ds, state):
    # the largest shift to the red by a charge beyond the neck on the emitting dot, and on the other one
    line = ds.sel(state=state)
    side = line["z_nm"].values * (1 if state.endswith("@2") else -1)
    values = line["shift_meV"].where(line["converged"] & ~line["hybridised"])
    return float(values[:, side > 1.5].min()), float(values[:, side < -1.5].min())


for (size, label), ds in sorted(maps.items()):
    own, other = zip(*(largest(ds, state) for state in ("X@1", "X@2")), strict=True)
    print(
        f"{size} {label:8} emitting dot {own[0]:+.1f} and {own[1]:+.1f} meV, other dot {min(other):+.1f} meV"
    )
    assert min(other) > -1.3  # "about 1 meV", with all of them
    if size == "deduced":
        assert own[0] < -7.0 and -5.0 < own[1] < -3.0  # dot 1 within the paper's 5 to 15, dot 2 below
assert -6.0 < largest(maps["nominal", "image"], "X@1")[0] < -4.0  # at its lower end
for size in ("nominal", "deduced"):
    same = [maps[size, label].sel(state=["X@1", "X@2"]) for label in SELF_ENERGIES]
    same = [ds.isel(point=slice(None, None, (ds.sizes["point"] - 1) // 20)) for ds in same]
    whole = np.all([mixed(ds) < WHOLE for ds in same], axis=0)
    apart = np.ptp([ds["shift_meV"].values for ds in same], axis=0)
    print(f"{size} size: self-energies apart by at most {apart[whole].max():.2f} meV")
    assert apart[whole].max() < 1.0 and whole.mean() > 0.8

far = maps["deduced", "density"].sel(state="segT@1").isel(point=-1)
print(f"density, deduced size, segT@1 with a charge at {float(far['z_nm']):.1f} nm: ", end="")
print(" and ".join(f"{float(each):+.2f}" for each in far["shift_meV"]), "meV")
assert np.all(np.abs(far["shift_meV"] - 1.4) < 0.15)

# %% [markdown]
# ### Outliers
#
# The paper sees single points far off the trend, and says that the electron that stays after the emission
# hybridises there. The energies behind it: an electron that is shared by both dots differs from a localised
# one by part of the splitting, and, with `density`, by a self-energy of another size, since that depends on
# how far the density is spread.
#
# Is that so for every jump? A jump is a step from place to place that differs by 0.7 meV or more from the
# median of the five steps around it (a slope is none). Beside each: how far the electrons of a dot are from
# the state's whole number, before the emission or after, at the one of its two places where it is more.


# %%
def two_places(values):
    return np.maximum(values[..., 1:], values[..., :-1])


found, whole_of, near_of, points = [], [], [], np.zeros(2, dtype=int)
for (size, label), ds in sorted(maps.items()):
    z, jump = ds["z_nm"].values, jumps(ds)
    away = -two_places(-np.abs(z)) > 1.2  # both places
    marked, uneven = two_places(ds["hybridised"].values), two_places(mixed(ds))
    before, after = (two_places(off(ds, which)) for which in ("electrons", "final_electrons"))
    points += [int((mixed(ds) > WHOLE).sum()), int(((mixed(ds) > WHOLE) & ~ds["hybridised"].values).sum())]
    whole_of.extend(jump[(uneven < WHOLE) & away])
    near_of.extend(jump[(uneven < WHOLE) & ~away])
    for i, j, k in np.argwhere((jump >= JUMP) & away):
        state, charge = str(ds["state"].values[i]), int(ds["charge"].values[j])
        first, second = ds["shift_meV"].values[i, j, k : k + 2]
        where = (
            f"{state:7} {charge:+d} e, {z[k]:+.2f} to {z[k + 1]:+.2f} nm: {first:+.2f} to {second:+.2f} meV"
        )
        which = "before" if before[i, j, k] > after[i, j, k] else "after"
        flag = "" if marked[i, j, k] else ", NOT marked"
        print(f"{size} {label:8} {where}, {uneven[i, j, k]:.2f} {which}{flag}")
        found.append((jump[i, j, k], uneven[i, j, k], which == "before", not marked[i, j, k]))
heights, shares, early, missed = np.array(found).T
print(
    f"{len(found)} jumps, {missed.sum():.0f} of them NOT beside a hybridised point, the largest of these ",
    end="",
)
print(f"{heights[missed > 0].max():.2f} meV; {early.sum():.0f} by electrons before the emission")
print(f"electrons off by more than {WHOLE}: {points[0]} points, {points[1]} of them not marked hybridised")
print(
    f"largest jump of whole electrons: {max(whole_of):.2f} meV; within 1.2 nm of the neck {max(near_of):.2f}"
)
assert len(found) > 10 and min(shares) > 0.08 and 0.3 < missed.mean() < 0.6
assert 1.5 < heights[missed > 0].max() < 2.5 and 0.1 < shares[missed > 0].max() < 0.2
assert max(whole_of) < 0.2 and len(whole_of) > 500
assert early.mean() > 0.5 and max(near_of) > 2.0 and 0 < points[1] < points[0]

shared = spq.emission(published.replace(self_energy="density"), "segT@1").electrons[1] - 1.0
print(f"density, deduced size, segT@1 without charge: {shared:.2f} of the electrons of dot 1 are on dot 2")
assert 0.05 < shared < 0.2

# %% [markdown]
# **Away from the neck every jump is one of shared electrons**: on a dot the electrons are off by 0.08 or
# more, and where they are off by less than 0.03 at both places nothing jumps by more than 0.2 meV. More
# often it is an electron before the emission than one that stays. **The flag `hybridised` misses almost
# half of these jumps**, since it looks at one carrier: when two electrons of one orbital have 0.92 each on
# their dot, 0.15 are on the other, and the shift jumps by 2 meV. So look at `electrons` and
# `final_electrons` too.
#
# Two things stay open. Within 1.2 nm of the neck the shift itself changes by several meV from one place to
# the next, so that this test says nothing there. And between the places, 0.7 nm apart in five of the six
# maps, further narrow crossings may lie.

# %% [markdown]
# ## What makes 5 to 15 meV
#
# The paper reports shifts of more than 5 and up to 15 meV by a charge on the emitting dot. A nominal dot
# gives 4. One thing is changed at a time: first the exciton of a single dot, a charge at its pole; then the
# excitons of dimers, a charge at the outer pole of the dot that emits. Bars are means over both signs of
# all charges, black lines reach from one sign to the other. On the right, whether the trion without surface
# charge still is where the paper sees it.


# %%
def dot(core, shell, **options):
    return spq.Model(spq.Molecule.monomer(core, shell), accuracy="coarse", **options)


def outcome(model, charges, number=1):
    # shifts of the exciton for both signs and of the trion from it, in meV; emission of the exciton in eV
    states = [f"X@{number}", f"X-@{number}"]
    both = [[spq.SurfaceCharge(sign * q, z=z) for q, z in charges] for sign in (1, -1)]
    found = [spq.emission(model, states[0], each) for each in both]
    assert all(each.converged and each.followed and not each.hybridised for each in found)
    exciton, trion = spq.emission(model, states)
    return (
        [each.shift_meV for each in found],
        1e3 * (trion.emission_eV - exciton.emission_eV),
        exciton.emission_eV,
    )


nominal, dimer = dot(1.3, 2.1), model.replace(self_energy="image")
correlated = nominal.replace(method="ci", ci=spq.CISpec(orbitals=24, outside=80))
larger_step, soft = nominal.replace(conduction_band_offset=0.32), nominal.replace(wall="finite")
optical_deduced = published.replace(permittivity="optical")
POLE, PAIR, OUTER, NECK, FIRST, LAST = [(1, 3.4)], [(1, 3.4), (-1, -3.4)], -6.6, -0.3, -6.26, 7.18
CASES = {
    "nominal (1.3 + 2.1 nm)": (nominal, POLE),
    "shell 3.0 nm": (dot(1.3, 3.0), [(1, 4.3)]),
    "shell 1.0 nm": (dot(1.3, 1.0), [(1, 2.3)]),
    "core 2.0 nm": (dot(2.0, 2.1), [(1, 4.1)]),
    "core 2.0, shell 1.0 nm": (dot(2.0, 1.0), [(1, 3.0)]),
    "conduction-band step 0.32 eV": (larger_step, POLE),
    "optical permittivities": (nominal.replace(permittivity="optical"), POLE),
    "self-energy none": (nominal.replace(self_energy="none"), POLE),
    "self-energy density": (nominal.replace(self_energy="density"), POLE),
    "correlated": (correlated, POLE),
    "wall of 3 eV": (soft, POLE),
    "charge 2 e": (nominal, [(2, 3.4)]),
    "+ and −, opposite poles": (nominal, PAIR),
    "+ and −, step 0.32 eV": (larger_step, PAIR),
    "+ and +, opposite poles": (nominal, [(1, 3.4), (1, -3.4)]),
    "dimer: nominal": (dimer, [(1, OUTER)]),
    "dimer: wall of 3 eV": (dimer.replace(wall="finite"), [(1, OUTER)]),
    "dimer: + and −, its two poles": (dimer, [(1, OUTER), (-1, 6.65)]),
    "dimer: + and −, pole and neck": (dimer, [(1, OUTER), (-1, NECK)]),
    "deduced dimer: dot 1": (published, [(1, FIRST)]),
    "deduced dimer: dot 2": (published, [(1, LAST)], 2),
    "deduced, optical: dot 1": (optical_deduced, [(1, FIRST)]),
    "deduced, optical: dot 2": (optical_deduced, [(1, LAST)], 2),
}
outcomes = {name: outcome(*case) for name, case in CASES.items()}
changes = {name: float(np.mean(both)) for name, (both, _, _) in outcomes.items()}
trions = {name: trion for name, (_, trion, _) in outcomes.items()}
for name, (both, trion, energy) in outcomes.items():
    print(f"{name:30} +: {both[0]:6.1f}  −: {both[1]:6.1f} meV;  X- {trion:6.1f} meV;  X at {energy:.3f} eV")

figure, (axes, beside) = plt.subplots(
    1, 2, figsize=(9.0, 6.4), sharey=True, width_ratios=(1.7, 1), layout="constrained"
)
colors = [GREEN if "dimer" in name or "deduced" in name else BLUE for name in CASES]
for panel, values, low, high in ((axes, changes, -15, -5), (beside, trions, -20, -10)):
    panel.axvspan(low, high, color="#e6e6e6", lw=0, label=f"paper, {-high} to {-low} meV")
    panel.barh(list(values), list(values.values()), color=colors)
    panel.set_xlim(1.4 * min(values.values()), 0)
    panel.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9)
beside.bar_label(beside.containers[0], fmt="%.1f", padding=3, fontsize=8)
for height, (name, (both, _, _)) in enumerate(outcomes.items()):
    axes.plot(both, [height] * 2, color=BLACK, lw=1.2, marker="|", ms=5)
    axes.text(min(both) - 0.4, height, f"{changes[name]:.1f}", ha="right", va="center", fontsize=8)
axes.invert_yaxis()
beside.set_xlim(-38, 0)
axes.set_xlabel("shift of X by surface charge (meV)")
beside.set_xlabel("X⁻ less X, no surface charge (meV)")
plt.show()

# %%
first = changes["nominal (1.3 + 2.1 nm)"]
assert -5.0 < first < -3.0
for name in ("shell 3.0 nm", "conduction-band step 0.32 eV", "+ and +, opposite poles"):
    assert changes[name] > first + 0.5  # the wrong way
for name in ("self-energy none", "self-energy density", "correlated", "core 2.0 nm"):
    assert abs(changes[name] / first - 1) < 0.15  # the same
one_alone = ("shell 1.0 nm", "core 2.0, shell 1.0 nm", "optical permittivities", "wall of 3 eV")
for name in (*one_alone, "+ and −, opposite poles", "+ and −, step 0.32 eV"):
    assert -15.0 < changes[name] < -5.0
assert changes["charge 2 e"] < -15.0 and -12.0 < changes["+ and −, step 0.32 eV"] < -10.0

# a second charge: the trion of one dot, and in the dimer
pair_on_trion = spq.emission(nominal, "X-@1", [spq.SurfaceCharge(q, z=z) for q, z in PAIR]).shift_meV
both = [[spq.SurfaceCharge(q, z=OUTER), spq.SurfaceCharge(-q, z=NECK)] for q in (1, -1)]
in_dimer = [spq.emission(dimer, "X-@1", each) for each in both]
assert not any(each.hybridised for each in in_dimer)
print(f"+ and −: X- of one dot {pair_on_trion:.1f} meV, of the dimer, at pole and neck ", end="")
print(" and ".join(f"{each.shift_meV:.1f}" for each in in_dimer), "meV")
assert -10.0 < pair_on_trion < -8.0 and all(-9.0 < each.shift_meV < -6.0 for each in in_dimer)
assert -7.0 < changes["dimer: + and −, its two poles"] < -5.0
assert -14.0 < changes["dimer: + and −, pole and neck"] < -10.0

# thin shell: one dot of the deduced dimer, and not the other
assert -12.0 < trions["core 2.0, shell 1.0 nm"] < -9.0 and -16.0 < trions["shell 1.0 nm"] < -13.0
assert 2.1 < outcomes["core 2.0, shell 1.0 nm"][2] < 2.2 < 2.35 < outcomes["shell 1.0 nm"][2]
assert changes["deduced dimer: dot 1"] < -7.0 and -4.0 < min(outcomes["deduced dimer: dot 2"][0]) < -3.0

# soft wall: a single dot does not object, the nominal dimer does
assert -20.0 < trions["wall of 3 eV"] < -10.0
assert 0.01 < outcomes["nominal (1.3 + 2.1 nm)"][2] - outcomes["wall of 3 eV"][2] < 0.03
assert np.ptp(outcomes["wall of 3 eV"][0]) > 3.0 > 2.0 > np.ptp(outcomes["shell 1.0 nm"][0])
extra = {}
for wall in ("hard", "finite"):
    segregated, plain = spq.emission(dimer.replace(wall=wall), ["segX-@1", "X@1"])
    extra[wall] = 1e3 * (segregated.emission_eV - plain.emission_eV)
    stays = segregated.final_electrons[1]
    print(f"{wall} wall: electron on the other dot {extra[wall]:+.2f} meV, of which {stays:.2f} stay there")
assert abs(extra["hard"]) < 0.5 and 1.5 < extra["finite"] < 3.0 and 0.75 < stays < 0.85

# optical permittivities: trions of most dots too far, but correlation takes static ones there as well
for name in ("optical permittivities", "deduced, optical: dot 2", "correlated"):
    assert trions[name] < -20.0
assert -20.0 < trions["deduced, optical: dot 1"] < -10.0
assert all(-15.0 < changes[f"deduced, optical: dot {number}"] < -5.0 for number in (1, 2))
for number in (1, 2):
    red = outcomes[f"deduced dimer: dot {number}"][2] - outcomes[f"deduced, optical: dot {number}"][2]
    assert 0.04 < red < 0.06

# %% [markdown]
# **A thin shell, a soft wall, optical permittivities or a second charge of the other sign brings 5 to 15
# meV; neither the self-energy nor correlation nor a wider core alone does.** A larger step of the
# conduction band and a thicker shell go the wrong way. The field at the core counts, and the shift goes
# with its square: + and − at opposite poles double the field, whose square would give four times the shift
# (−14; with the larger step −11), while two equal charges there nearly cancel. **Which of the four it is
# remains open:**
#
# - **Thin shell.** For it: a dot of 2.0 + 1.0 nm, which is what the line and the trion of dot 1 lead to,
#   gets −7, emits at 2.15 eV and has its trion at −10. Against: the same deduction gives dot 2 a thick
#   shell, and a charge there shifts it by less than 4 meV. Deduced sizes explain one dot, not both.
# - **Soft wall.** For it: nothing that is seen of a single dot excludes it; the trion stays at −19, the
#   exciton moves 0.02 eV to the red. The signs differ by 3 meV, though: −8.5 for +, −5.1 for −. Against: in
#   the nominal dimer a fifth of the electron that stays goes over, and an electron on the other dot shifts
#   the exciton by 2 meV, where the paper sees less than 1. A dimer with less contact was not tried.
# - **Optical permittivities.** For them: at the deduced sizes both dots come into the range, −13 and −6 in
#   the mean. Against: trions at −28 to −29, but for dot 1 (−16), where the paper has 10 to 20; and the
#   lines of the deduced dots are off by 50 meV, so sizes would have to be deduced anew. The trion is a weak
#   witness: in the mean field static permittivities fit, but with correlation they put it at −25, too far
#   as well.
# - **Second charge.** For it: lines and trions without it stay as they are. Against: it must be of the
#   other sign and on the far side of the same dot. In the dimer that is the neck: pole and neck give −12
#   and −13 (the trion −6 and −9), but a pair at the dimer's two poles only −6; and a charge of 2 e −13 and
#   −21.
#
# Two of them together were not tried.
