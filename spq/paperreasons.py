"""Why a number of the paper and ours differ, or what to know where they agree; for spq.papernumbers."""

FITTED = "the deduced sizes were found from this number: it is no test"
ENERGY = "depends on size: a core 0.1 nm larger emits 30 meV redder"
TRION = "smaller dots shift more, and the mean field is good to 5 meV; correlation makes it redder yet"
POSITIVE = (
    "the paper gives no size; two holes in a core repel more than electron and hole attract; "
    "correlation takes some of it off"
)
OTHER_DOT = "its own image and the field of both dots nearly cancel for a neutral exciton"
RED = "the paper gives the sign alone, at every place on the dot"
SIZE = (
    "open which of four gives more: in one dot a 1 nm shell, a 3 eV wall or optical permittivities 6 to 7, "
    "or a second charge, a + − pair at pole and neck of a nominal dimer's dot 12 to 13 (notebook 03)"
)
OVERLAP = "computed in the mean field, where both carriers are polarised by the charge"
OUTLIERS = "the paper gives no number; an electron, one that stays or before the emission, is shared there"
NECK = "electron splitting at a step of 0.10 eV; it depends on the step more than on all else, and on filling"
LENGTH = (
    "not of nominal size; spectra leave the shell of dot 2 open: 3.4 nm fits lines and length, not the sides"
)
PHONONS = "not computed: an input, [spectrum] phonons"
FAST = "of bright states alone: relaxation to the dark exciton, which shortens it, is not modelled"
SLOW = "not computed: of the dark exciton, which needs the fine structure"
CHARGED = (
    "too long by what strengths fall short, some 20 %, which is taken off before it is judged; "
    "the error is that of the Kane energy (17 to 23 eV)"
)
