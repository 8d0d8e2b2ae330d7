// What the census has counted, as a line of JSON: by site, so that a test can leave out the timer
// that drives the load.
#include <cstdio>

#include "afterleak/loops/loops.h"

namespace {

void Print(const char* name, afterleak::Resource resource) {
  std::printf("\"%s\": [", name);
  const char* before = "";
  for (const afterleak::SiteReport& site : afterleak::loops::Report(resource).sites) {
    std::printf("%s{\"file\": \"%s\", \"line\": %u, \"armed\": %ld, \"ended\": %ld, \"live\": %ld}",
                before, site.file.c_str(), site.line, site.armed, site.fired + site.stopped,
                site.live);
    before = ", ";
  }
  std::printf("]");
}

}  // namespace

void T_census();
void T_census() {
  std::printf("{");
  Print("timers", afterleak::Resource::kTimer);
  std::printf(", ");
  Print("idle", afterleak::Resource::kIdle);
  std::printf("}\n");
  std::fflush(stdout);
}
