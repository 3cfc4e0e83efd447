// The judges of a run, one function for each invariant (docs/TESTING.md names them I1, I2, ...).
//
// Pure: history and final states in, violations out. What must be watched while the run goes on is in monitor.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/model/object.h"
#include "tests/sim/history.h"

namespace henge::sim {

struct Violation {
  std::string invariant;  // "I1"
  std::string what;
};
using Violations = std::vector<Violation>;

// key -> the record of each owner after the heal (an empty object where it has none), by position in the list.
using FinalStates = std::map<std::string, std::vector<Object>>;

// I1: every acknowledged put is present at the end, or a present version descends from it by what clients observed.
void CheckNoAckedWriteLost(const History& history, const FinalStates& finals, Violations* out);
// I1, the reader's side: the final reads show exactly the live versions of the merged final records.
void CheckFinalReads(const History& history, const FinalStates& finals, Violations* out);
// I2: every value that was read had been written to that key before, by a write that did not fail.
void CheckNoPhantoms(const History& history, Violations* out);
// I3: the records of all owners are equal, for keys that were read after the heal.
void CheckConvergence(const FinalStates& finals, Violations* out);
// I4: no version in a read was observed by the writer of another one; contexts cover what is returned.
void CheckCausality(const History& history, Violations* out);
// I8: no more siblings than writers that can be concurrent; one sequential client makes one.
void CheckSiblingBound(const History& history, Violations* out);

// `disk_lost`: a disk was wiped in the run. Until a wiped replica recovers by itself, a reader may then miss its own
// writes, and I8 has no bound.
Violations CheckAll(const History& history, const FinalStates& finals, bool disk_lost);

}  // namespace henge::sim
