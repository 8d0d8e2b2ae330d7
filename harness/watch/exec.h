// A recorded program that replaces itself (exec) stays recorded: a script that ends with `exec
// server`, and env, nice and the like.
#pragma once

namespace afterleak::watch {

// Keeps our path, to preload us into the next program of this process. Called once, before main.
void KeepForExec(const char* preloaded);

}  // namespace afterleak::watch
