// A hundred requests, and what find_it.md says that shows then.
#include <glib.h>

#include <cstdio>

guint Ask();
void Answered(guint limit);

int main() {
  int late = 0;
  for (int i = 0; i < 100; ++i) {
    const guint limit = Ask();
    Answered(limit);
    late += g_main_context_find_source_by_id(nullptr, limit) != nullptr;
  }
  std::printf("callbacks that come later: %d\n", late);
}
