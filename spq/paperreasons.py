"""Why a number of the paper and ours differ, or what to know where they agree; for spq.papernumbers."""

FITTED = "the deduced sizes were found from this number: it is no test"
ENERGY = "depends on size: a core 0.1 nm larger emits 30 meV redder"
TRION = "smaller dots shift more, and the mean field is good to 5 meV; correlation makes it redder yet"
POSITIVE = "two holes in a core repel more than electron and hole attract; correlation takes some of it off"
OTHER_DOT = "its own image and the field of both dots nearly cancel for a neutral exciton"
SIZE = "a thin shell or a second charge gives more: dots of 1 nm shell 7, a + − pair at opposite poles 14"
OVERLAP = "computed in the mean field, where both carriers are polarised by the charge"
OUTLIERS = "the electron that stays, or one before the emission, is shared by both dots there"
NECK = "electron splitting at a step of 0.10 eV; it depends on the step more than on all else, and on filling"
LENGTH = (
    "not of nominal size; spectra leave the shell of dot 2 open: 3.4 nm fits lines and length, not the sides"
)
PHONONS = "not computed: an input, [spectrum] phonons"
FAST = "of bright states alone: relaxation to the dark exciton, which shortens it, is not modelled"
SLOW = "not computed: of the dark exciton, which needs the fine structure"
CHARGED = "the Kane energy is uncertain (17 to 23 eV), and strengths fall some 20 % short"
