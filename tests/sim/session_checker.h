// What a client may rely on in the order of its own requests: I7 (what it deleted stays deleted) and I9 (the four
// session guarantees, as far as requests ask for them).
//
// There is no session token: a session is one client, and asks for guarantees by sending contexts, and by strict
// requests with R + W > N. Contexts give writes-follow-reads and monotonic writes wherever they are sent. Strict
// requests give read-your-writes and monotonic reads; sloppy ones promise neither. Pure: history in, violations out.
#pragma once

#include "tests/sim/checkers.h"
#include "tests/sim/history.h"

namespace henge::sim {

// I7: after an acknowledged delete no final read shows a value that the delete had seen, or that one had replaced; nor
// does a later strict read of the client that deleted strictly.
void CheckNoResurrection(const History& history, Violations* out);

// I9, of strict requests: a client's read shows every write that it was acknowledged before, and all that it had read
// before, or what descends from them.
void CheckSessions(const History& history, Violations* out);

// I9, of all requests: the context of a reply covers everything that the writers of its values had seen, their own
// writes among it. So who writes with it replaces that too.
void CheckContextsFollow(const History& history, Violations* out);

}  // namespace henge::sim
