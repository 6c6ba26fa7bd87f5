"""A commented input file: the nominal heterodimer, everything at its default."""

TEMPLATE = """\
# Input of spq: two fused core/shell quantum dots. Lengths in nm, energies in eV.
# Every key but [[dots]] can be left out; the values below are the defaults.

[[dots]]                      # dot 1 (negative z in a dimer)
core_radius = 1.3
shell_thickness = 2.1
core = "CdSe"
shell = "CdS"
gradation = 0.0               # width over which core turns into shell, from the core's surface outwards
# c_axis = [0.0, 0.0, 1.0]    # crystal axis, for anisotropic holes; default: the long axis
# position = [0.0, 0.0, 0.0]  # centre; for all dots or for none

[[dots]]                      # dot 2; leave it out for a single dot
core_radius = 1.35
shell_thickness = 2.1

[geometry]
# center_distance = 6.4       # default: sum of outer radii - 0.45; greater than that sum: a gap
neck_diameter = 0.0           # 0: only the lens where the spheres meet
linker_diameter = 0.0         # of a linker across the gap between two unfused dots; 0: none

[materials]
matrix = "PMMA"
linker = "ligand"             # barrier, mass and permittivity of the linker, if there is one
conduction_band_offset = 0.10 # of CdS above CdSe
permittivity = "static"       # or "optical"
# [materials.CdSe]            # any value of any material; a new material needs all six
# electron_mass = 0.13        # m0
# hole_mass = 0.45            # m0; with hole_mass_parallel (along the crystal axis) that across it
# gap = 1.84                  # at 4 K
# conduction_band = 0.0       # above CdSe
# permittivity_static = 9.5
# permittivity_optical = 6.2

[model]
self_energy = "image"         # or "none", "density"
image_cut = 0.1               # nm; the image is a straight line so far on both sides of a core's surface
image_prefactor = 1.0
wall = "hard"                 # or "finite": orbitals leak into the matrix
final_state = "relaxed"       # or "frozen"
electric_field = [0.0, 0.0, 0.0]  # kV/cm, laboratory axes
method = "reduced"            # mean field; or "direct", the same without a basis; or "ci", correlated
discretisation = "auto"       # "axisymmetric" where the dots lie on one line, else "solid"
accuracy = "normal"           # or "coarse", "fine"

# [[surface_charges]]         # any number, present in every calculation
# charge = 1.0                # e
# z = 3.2                     # along the long axis; or position = [x, y, z]
# phi = 0.0                   # degrees about the long axis
# offset = 0.0                # outside the surface

[map]                         # used by shift-map and emission
# states = ["X@1", "segX-@1", "segT@1", "X@2", "X-@2", "segT@2"]
charges = [1.0, -1.0]         # e
points = 41                   # from pole to pole; or z = [...]
surface = "line"              # or "full": every z at phi_points azimuths
phi = 0.0                     # degrees
phi_points = 24

[ci]                          # how far configuration interaction goes; default: as accuracy asks
# orbitals = 40               # active, of each kind of carrier in the whole molecule
# outside = 200               # counted in second order
# rank = 3                    # most carriers outside the lowest orbital of every dot
# energy = 2.0                # eV, most that a configuration lies above the lowest
memory = 6.0                  # GB

[spectrum]                    # used by spectrum, whose states are always correlated
carriers = ["X", "X-"]        # sets of carriers, spread over the dots as they like; or "e e h"
temperature = 4.0             # K
states = 8                    # eigenstates of each set
width = 1.0                   # meV, full width at half maximum of a line
phonons = []                  # meV below each line, such as [27.0, 37.0]; as many Huang-Rhys factors
huang_rhys = []
kane_energy = 17.5            # eV, E_P of the cores; 17 to 23 are found

# [sweep]                     # used by sweep
# compute = "emission"        # or "levels", "shift_map", or a list
# [sweep.axes]                # any field of this file, over its values or a grid
# "dots[1].core_radius" = { start = 1.2, stop = 1.6, points = 5 }
# "materials.conduction_band_offset" = [0.1, 0.2, 0.3]
# [[sweep.zipped]]            # fields that change together: lists of one length
# "dots.shell_thickness" = [1.8, 2.1, 2.4]
# "geometry.neck_diameter" = [0.0, 3.0, 4.0]

# [deduce]                    # used by deduce
# points = 96                 # molecules that are solved
# [deduce.measured]           # value and standard error: energies in eV, differences in meV
# "X@1" = [2.230, 0.001]
# "X-@1 - X@1" = [-11.0, 1.0]
# [deduce.free]               # fields to be deduced, and between which values they may lie
# "dots[1].core_radius" = [1.2, 1.6]
# "dots[1].shell_thickness" = { low = 1.2, high = 3.0, mean = 2.1, sigma = 0.3 }
"""
