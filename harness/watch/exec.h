// A recorded program that replaces itself (exec) stays recorded: a script that ends with `exec
// server`, and env, nice and the like.
#pragma once

namespace afterleak::watch {

// Keeps what it takes to preload us into the next program of this process: our path, and the
// variable that names the record. Called once, before main.
void KeepForExec(const char* preloaded, const char* record);

}  // namespace afterleak::watch
