"""Many self-consistent problems of one transition in a basis of snapshots: orbitals of solved ones.

The orbitals of one transition in all fields of a map span a small space. The problems with the most
independent fields are solved in the whole basis first, and the orbitals of each carrier taken. In the
space found so far, the residual r = (h + W − ε) φ in the whole basis says of a solution how much energy
Σ_a r_a²/(h_aa + W_aa − ε) is left out; where that is too much the worst are solved in the whole basis
and their orbitals added (greedy reduced basis: Hesthaven, Rozza, Stamm, Certified Reduced Basis Methods,
2016, chapter 3). What the space leaves out of the others is then taken off their energies.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.linalg

from spq import hartree
from spq.discretisation import SIGN
from spq.hartree import Solution, System
from spq.parallel import in_parts
from spq.projection import Projection, projected, species
from spq.reduced import PerKind, Reduced
from spq.transition import Transition, many

TOLERANCE = 5e-5  # eV, energy left out, before it is taken off
LARGEST = 1.5e-4  # eV left out of a problem that is solved in the whole basis after all
SEEDS = 32  # solutions to begin with
AT_ONCE = 16  # solutions that are added in a round
CANDIDATES = 64  # problems whose residual is looked at
AT_A_TIME = 1024  # fields whose distances are compared
NEIGHBOURS = 4  # of which one is solved from scratch
EASY = 1.2  # times the usual number of iterations, up to which the others are started from it
WORTHWHILE = 200  # fewer problems are solved in the whole basis
GAP = 0.02  # eV, least energy denominator
NEGLIGIBLE = 4e-6  # eV, energy norm of a direction that is not added, over all solutions
SPARE = 3.0  # how much larger an amplitude may be than its root mean square
LEAST_AMPLITUDE = 1e-3


class Snapshots:
    """Solves one transition in many fields; its space grows as it meets fields that need it.

    Few fields, and frozen final states, are solved in the whole basis.

    Parameters
    ----------
    system : Reduced, or a system that is then solved on as it is
    bare : the transition without charges, whose orbitals are followed
    final_state : "relaxed" or "frozen"
    """

    def __init__(self, system: System, bare: Transition, final_state: str):
        self.system, self.bare, self.final_state = system, bare, final_state
        self._orbitals: dict[str, list[np.ndarray]] = {}
        self._vectors: PerKind = {}
        self._amplitudes: PerKind = {}
        self._projection: tuple[Projection, Transition] | None = None

    def solve(self, externals: np.ndarray) -> list[Transition]:
        """Transitions in b external fields (b, ...), their orbitals in the whole basis; see `converged`."""
        # a frozen final state is not stationary: what the space leaves out of it is of first order
        stationary = self.final_state == "relaxed"
        if not isinstance(self.system, Reduced) or not stationary or len(externals) < WORTHWHILE:
            return self._wholly(externals)
        known: dict[int, Transition] = {}
        if not self._orbitals:
            self._take([self.bare])
            self._learn(externals, _independent(externals, SEEDS), known)
        generator = np.random.default_rng(len(externals))
        looked = generator.permutation(len(externals))[:CANDIDATES]
        while True:
            asked = np.array([i for i in looked if i not in known], dtype=int)
            if not len(asked):
                break
            solved = self._narrowly(externals[asked])
            error = self._left_out(solved, externals[asked]).sum(axis=1)
            worst = np.argsort(-error)[:AT_ONCE]
            worst = worst[error[worst] > TOLERANCE]
            if not len(worst):
                break
            self._learn(externals, asked[worst], known, [solved[i] for i in worst])
        self._finish(externals, known)
        return [known[i] for i in range(len(externals))]

    def _finish(self, externals: np.ndarray, known: dict[int, Transition]) -> None:
        """Solve what is not known in the space, and take off the energy that it leaves out."""
        left = np.array([i for i in range(len(externals)) if i not in known], dtype=int)
        solved = self._narrowly_in_turn(externals[left])
        errors = self._left_out(solved, externals[left])
        projection, _ = self._narrow()
        far = np.flatnonzero(~(errors.sum(axis=1) < LARGEST))
        for i, each, (first, last) in zip(left.tolist(), solved, errors, strict=True):
            each = self._changed(each, projection, narrow=False)
            initial = replace(each.initial, energy=each.initial.energy - first)
            final = each.final and replace(each.final, energy=each.final.energy - last)
            known[i] = replace(each, initial=initial, final=final)
        better = self._wholly(externals[left[far]], [solved[i] for i in far])
        known |= dict(zip(left[far].tolist(), better, strict=True))

    def _wholly(self, externals: np.ndarray, near: list[Transition] | None = None) -> list[Transition]:
        """Transitions solved in the whole basis; near: in the space, to start from where they converged."""
        start = near and [self._changed(each, self._narrow()[0], narrow=False) for each in near]
        done = np.array([each.converged for each in start or []], dtype=bool)
        if start is None or not done.any():
            return many(self.system, externals, self.bare, self.final_state)
        first = [each for each in start if each.converged]
        solved = many(self.system, externals[done], self.bare, self.final_state, first)
        found = dict(zip(np.flatnonzero(done).tolist(), solved, strict=True))
        solved = self._wholly(externals[~done])
        found |= dict(zip(np.flatnonzero(~done).tolist(), solved, strict=True))
        return [found[i] for i in range(len(externals))]

    def _learn(
        self,
        externals: np.ndarray,
        chosen: np.ndarray,
        known: dict[int, Transition],
        near: list[Transition] | None = None,
    ) -> None:
        """Solve some problems in the whole basis, note them as known, and take their orbitals."""
        solved = self._wholly(externals[chosen], near)
        known |= dict(zip(chosen.tolist(), solved, strict=True))
        self._take([each for each in solved if each.converged])

    def _take(self, solved: list[Transition]) -> None:
        """Take the orbitals of solutions into the space: natural orbitals of each species."""
        assert isinstance(self.system, Reduced)
        for each in solved:
            for solution in (each.initial, each.final):
                if solution is not None:
                    for shell, orbital in zip(solution.shells, solution.orbitals, strict=True):
                        self._orbitals.setdefault(species(shell), []).append(orbital)
        for name, orbitals in self._orbitals.items():
            diagonal = np.diag(self.system.hamiltonian[name[0]])
            together = np.array(orbitals).T
            # the energy norm, measured from the lowest state
            weight = np.sqrt(diagonal - diagonal.min() + GAP)
            left, size, _ = np.linalg.svd(weight[:, None] * together, full_matrices=False)
            space = np.linalg.qr(left[:, size**2 > NEGLIGIBLE] / weight[:, None])[0]
            left, size, _ = np.linalg.svd(space.T @ together, full_matrices=False)
            self._vectors[name] = space @ left
            mean = size / np.sqrt(together.shape[1])
            self._amplitudes[name] = np.maximum(SPARE * mean, LEAST_AMPLITUDE)
        self._projection = None

    def _narrow(self) -> tuple[Projection, Transition]:
        """The projected problem and the uncharged transition in it."""
        assert isinstance(self.system, Reduced)
        if self._projection is None:
            projection = projected(self.system, self._vectors, self._amplitudes)
            self._projection = projection, self._changed(self.bare, projection, narrow=True)
        return self._projection

    def _changed(self, found: Transition, projection: Projection, narrow: bool) -> Transition:
        """A transition with its orbitals and densities in the space (narrow) or in the whole basis."""

        def change(solution: Solution) -> Solution:
            vectors = [projection.vectors[species(shell)] for shell in solution.shells]
            both = zip(vectors, solution.orbitals, strict=True)
            orbitals = tuple(each.T @ orbital if narrow else each @ orbital for each, orbital in both)
            turn = projection.narrowed if narrow else projection.widened
            return replace(solution, orbitals=orbitals, densities=turn(solution.densities))

        final = found.final
        return replace(
            found, initial=change(found.initial), final=change(final) if final and final.shells else final
        )

    def _narrowly(self, externals: np.ndarray) -> list[Transition]:
        """Transitions solved in the space, their orbitals in the space."""
        projection, bare = self._narrow()
        return many(projection.system, projection.externals(externals), bare, self.final_state)

    def _narrowly_in_turn(self, externals: np.ndarray) -> list[Transition]:
        """The same; most of them are started from the nearest of those that are solved first."""
        projection, bare = self._narrow()
        fields = projection.externals(externals)
        found = dict(enumerate(many(projection.system, fields[::NEIGHBOURS], bare, self.final_state)))
        found = {NEIGHBOURS * i: each for i, each in found.items()}
        # where that was hard several solutions may exist: all begin at the uncharged one there
        usual = EASY * np.median([each.iterations for each in found.values()])
        easy = np.array([i for i, each in found.items() if each.converged and each.iterations <= usual])
        rest = np.array([i for i in range(len(fields)) if i not in found], dtype=int)
        nearest = np.full(len(rest), -1)
        if len(easy):
            every = np.array(sorted(found))
            size = np.sum(fields[every] ** 2, axis=1)
            for start in range(0, len(rest), AT_A_TIME):
                part = slice(start, start + AT_A_TIME)
                nearest[part] = every[np.argmin(size - 2 * fields[rest[part]] @ fields[every].T, axis=1)]
        warm = np.isin(nearest, easy)
        first = [found[i] for i in nearest[warm]]
        solved = many(projection.system, fields[rest[warm]], bare, self.final_state, first)
        found |= dict(zip(rest[warm].tolist(), solved, strict=True))
        solved = many(projection.system, fields[rest[~warm]], bare, self.final_state)
        found |= dict(zip(rest[~warm].tolist(), solved, strict=True))
        return [found[i] for i in range(len(fields))]

    def _left_out(self, solved: list[Transition], externals: np.ndarray) -> np.ndarray:
        """Energies in eV that the space leaves out of initial and final solutions, (b, 2).

        Infinite where a problem did not converge.
        """

        def part_of(part: slice) -> list[np.ndarray]:
            found = np.full((len(solved[part]), 2), np.inf)
            done = np.array([i for i, each in enumerate(solved[part]) if each.converged], dtype=int)
            if len(done):
                fields = externals[part][done]
                pairs = [(solved[part][i].initial, solved[part][i].final) for i in done]
                found[done, 0] = self._residual_energies([initial for initial, _ in pairs], fields)
                finals = [final for _, final in pairs if final is not None]
                found[done, 1] = self._residual_energies(finals, fields)
            return list(found)

        return np.array(in_parts(part_of, len(solved), self.system.batch)).reshape(-1, 2)

    def _residual_energies(self, solutions: list[Solution], externals: np.ndarray) -> np.ndarray:
        """Σ_a r_a²/(h_aa + W_aa − ε) of like solutions in the space, (b,) in eV."""
        projection, whole = self._narrow()[0], self.system
        assert isinstance(whole, Reduced)
        shells = solutions[0].shells
        densities = np.array([solution.densities for solution in solutions])
        total = np.zeros(len(solutions))
        for i, shell in enumerate(shells):
            fields = projection.widened(hartree.orbital_fields(projection.system, shells, densities, i))
            orbitals = np.array([solution.orbitals[i] for solution in solutions])
            orbitals = orbitals @ projection.vectors[species(shell)].T
            levels = np.array([solution.levels[i] for solution in solutions])
            matrices = whole.matrices(shell.kind, fields, SIGN[shell.kind] * externals, orbitals)
            orbitals = orbitals[:, : matrices.shape[1]]
            residual = (matrices @ orbitals[:, :, None])[:, :, 0] - levels[:, None] * orbitals
            gaps = np.einsum("bii->bi", matrices) - levels[:, None]
            total += shell.count * np.sum(residual**2 / np.maximum(np.abs(gaps), GAP), axis=1)
        return total


def _independent(externals: np.ndarray, count: int) -> np.ndarray:
    """Indices of the most independent fields (b, ...), by pivoted orthogonalisation."""
    flat = externals.reshape(len(externals), -1)
    gram = flat @ flat.T
    _, pivots, rank, _ = scipy.linalg.lapack.dpstrf(gram, tol=1e-10 * np.trace(gram))
    return pivots[: min(count, rank)] - 1
