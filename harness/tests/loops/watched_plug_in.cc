// Runs another of these programs as a plug-in: neither it nor the loop that it brings along is in
// the scope of anybody else.
#include <dlfcn.h>
#include <stdio.h>

int main(int, char** argv) {
  void* const plug_in = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  void* const run = plug_in != nullptr ? dlsym(plug_in, "_Z3RuniPPc") : nullptr;
  if (run == nullptr) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  int argc = 0;
  while (argv[1 + argc] != nullptr) ++argc;
  return reinterpret_cast<int (*)(int, char**)>(run)(argc, argv + 1);
}
