// The descriptors that virtual time itself has: a program that closes everything, as a daemon does,
// does not close these, and what it opens has the numbers that it would have without them.
#pragma once

#include "afterleak/version.h"

namespace afterleak::loops::internal {

// Moves one to where a program has none, and keeps it from being closed by the program. Returns
// where it is now; what is negative stays as it is.
int KeepAsOurs(int descriptor);
void CloseOurs(int descriptor);
bool IsOurs(int descriptor);

}  // namespace afterleak::loops::internal
