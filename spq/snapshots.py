"""Many self-consistent problems of one transition in a basis of snapshots: orbitals of solved ones.

The orbitals of one transition in all fields of a map span a small space. Starting from the uncharged
solution, problems are solved in the space found so far; where the residual r = (h + W − ε) φ in the
whole basis says that the energy Σ_a r_a²/(h_aa + W_aa − ε) left out is too large, the worst are solved
in the whole basis and their orbitals added (greedy reduced basis: Hesthaven, Rozza, Stamm, Certified
Reduced Basis Methods, 2016, chapter 3). Both energies and shifts are of second order in what is left
out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.linalg

from spq import hartree
from spq.discretisation import SIGN
from spq.hartree import Solution, System
from spq.reduced import PerKind, Projection, Reduced, projected
from spq.transition import Transition, continued

TOLERANCE = 4e-6  # eV, estimated error of an energy
SEEDS = 10  # solutions to begin with
AT_ONCE = 8  # solutions that are added in a round
CANDIDATES = 96  # problems whose residual is looked at
WORTHWHILE = 200  # fewer problems are solved in the whole basis
GAP = 0.02  # eV, least energy denominator
NEGLIGIBLE = 1e-8  # eV, energy norm of a direction that is not added


class Snapshots:
    """Solves one transition in many fields; its space grows as it meets fields that need it.

    Parameters
    ----------
    system : Reduced, or a system that is then solved on as it is
    bare : the transition without charges, whose orbitals are followed
    final_state : "relaxed" or "frozen"
    """

    def __init__(self, system: System, bare: Transition, final_state: str):
        self.system, self.bare, self.final_state = system, bare, final_state
        self._vectors: PerKind = {}
        self._bare_taken = False
        self._projection: tuple[Projection, Transition] | None = None

    def solve(self, externals: np.ndarray) -> list[Transition]:
        """Transitions in b external fields (b, ...), their orbitals in the whole basis; see `converged`."""
        if not isinstance(self.system, Reduced) or len(externals) < WORTHWHILE:
            return self._wholly(externals)
        count = min(CANDIDATES, len(externals))
        candidates = np.unique(np.linspace(0, len(externals) - 1, count).astype(int))
        known: dict[int, Transition] = {}
        seeds = candidates[_independent(externals[candidates], SEEDS)] if not self._vectors else []
        self._learn(externals, [int(i) for i in seeds], known)
        while True:
            asked = [i for i in candidates if i not in known]
            small = self._narrowly(externals[asked]) if asked else []
            error = np.array([each[1] for each in small])
            worst = np.argsort(-error)[:AT_ONCE]
            worst = worst[error[worst] > TOLERANCE]
            if not len(worst):
                break
            chosen = [asked[i] for i in worst]
            self._learn(externals, chosen, known)
        known |= {i: each for i, (each, _) in zip(asked, small, strict=True)}
        left = [i for i in range(len(externals)) if i not in known]
        if left:
            known |= {i: each for i, (each, _) in zip(left, self._narrowly(externals[left], False), strict=True)}
        return [known[i] for i in range(len(externals))]

    def _learn(self, externals: np.ndarray, chosen: list[int], known: dict[int, Transition]) -> None:
        """Solve some problems in the whole basis, note them as known, and take their orbitals."""
        if chosen:
            solved = self._wholly(externals[chosen])
            known |= dict(zip(chosen, solved, strict=True))
            self._add([each for each in solved if each.converged])

    def _wholly(self, externals: np.ndarray) -> list[Transition]:
        return continued(self.system, self.bare.state, externals, self.bare, self.final_state)

    def _add(self, solved: list[Transition]) -> None:
        """Take the orbitals of solutions into the space."""
        assert isinstance(self.system, Reduced)
        for kind, hamiltonian in self.system.hamiltonian.items():
            orbitals = [
                orbital
                for each in solved
                for solution in (each.initial, each.final)
                if solution is not None
                for shell, orbital in zip(solution.shells, solution.orbitals, strict=True)
                if shell.kind == kind
            ]
            old = self._vectors.get(kind, np.empty((len(hamiltonian), 0)))
            if not orbitals:
                self._vectors[kind] = old
                continue
            new = np.array(orbitals).T
            new = new - old @ (old.T @ new)
            # the energy norm, of the diagonal measured from the lowest state
            weight = np.diag(hamiltonian) - np.diag(hamiltonian).min() + GAP
            _, size, rotation = np.linalg.svd(np.sqrt(weight)[:, None] * new, full_matrices=False)
            new = new @ rotation[size**2 > NEGLIGIBLE].T
            self._vectors[kind] = np.linalg.qr(np.hstack([old, new]))[0]
        self._projection = None

    def _narrow(self) -> tuple[Projection, Transition]:
        """The projected problem and the uncharged transition in it."""
        assert isinstance(self.system, Reduced)
        if not self._bare_taken:
            self._bare_taken = True
            self._add([self.bare])
        if self._projection is None:
            projection = projected(self.system, self._vectors)
            self._projection = projection, self._changed(self.bare, projection, narrow=True)
        return self._projection

    def _changed(self, found: Transition, projection: Projection, narrow: bool) -> Transition:
        """A transition with its orbitals and densities in the space (narrow) or in the whole basis."""

        def change(solution: Solution) -> Solution:
            orbitals = tuple(
                projection.vectors[shell.kind].T @ orbital if narrow else projection.vectors[shell.kind] @ orbital
                for shell, orbital in zip(solution.shells, solution.orbitals, strict=True)
            )
            densities = solution.densities
            densities = projection.narrowed(densities) if narrow else projection.widened(densities)
            return replace(solution, orbitals=orbitals, densities=densities)

        final = found.final
        return replace(
            found, initial=change(found.initial), final=change(final) if final and final.shells else final
        )

    def _narrowly(self, externals: np.ndarray, check: bool = True) -> list[tuple[Transition, float]]:
        """Transitions solved in the space, and their errors in eV (infinite where not converged)."""
        projection, bare = self._narrow()
        fields = projection.narrowed(externals)
        found = []
        batch = projection.system.batch
        for start in range(0, len(fields), batch):
            part = slice(start, start + batch)
            solved = continued(projection.system, bare.state, fields[part], bare, self.final_state)
            errors = self._errors(projection, solved, fields[part], externals[part]) if check else [0.0] * len(solved)
            found += [(self._changed(each, projection, narrow=False), error) for each, error in zip(solved, errors, strict=True)]
        return found

    def _errors(self, projection: Projection, solved: list[Transition], fields, externals) -> np.ndarray:
        """Energies that the space leaves out, (b,) in eV."""
        errors = np.full(len(solved), np.inf)
        done = np.array([i for i, each in enumerate(solved) if each.converged], dtype=int)
        if len(done):
            initial = [solved[i].initial for i in done]
            final = [solution for i in done if (solution := solved[i].final) is not None]
            errors[done] = self._left_out(projection, initial, fields[done], externals[done])
            if self.final_state == "relaxed":
                errors[done] += self._left_out(projection, final, fields[done], externals[done])
        return errors

    def _left_out(self, projection: Projection, solutions: list[Solution], fields, externals) -> np.ndarray:
        shells = solutions[0].shells
        system, whole = projection.system, self.system
        assert isinstance(whole, Reduced)
        densities = np.array([solution.densities for solution in solutions])
        total = np.zeros(len(solutions))
        for i, shell in enumerate(shells):
            inner = hartree.orbital_fields(system, shells, densities, fields, i)
            sign = SIGN[shell.kind]
            acting = projection.widened(inner - sign * fields) + sign * externals
            orbitals = np.array([solution.orbitals[i] for solution in solutions])
            levels = np.array([solution.levels[i] for solution in solutions])
            orbitals = orbitals @ projection.vectors[shell.kind].T
            matrices = whole.matrices(shell.kind, acting, orbitals)
            orbitals = orbitals[:, : matrices.shape[1]]
            residual = (matrices @ orbitals[:, :, None])[:, :, 0] - levels[:, None] * orbitals
            gaps = np.einsum("bii->bi", matrices) - levels[:, None]
            total += shell.count * np.sum(residual**2 / np.maximum(np.abs(gaps), GAP), axis=1)
        return total


def _independent(externals: np.ndarray, count: int) -> np.ndarray:
    """Indices of the most independent fields (b, ...), by pivoted orthogonalisation."""
    flat = externals.reshape(len(externals), -1)
    gram = flat @ flat.T
    _, pivots, rank, _ = scipy.linalg.lapack.dpstrf(gram, tol=1e-8 * np.trace(gram))
    return pivots[: min(count, rank)] - 1
