#include "workshop/on_glib.h"

namespace workshop {

void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done) {
  for (Duration rest = limit;; pause *= 2) {
    if (send()) return done(true);
    GMainLoop* const loop = g_main_loop_new(nullptr, FALSE);
    g_timeout_add(
        Milliseconds(std::min(pause, rest)),
        [](gpointer quits) -> gboolean {
          g_main_loop_quit(static_cast<GMainLoop*>(quits));
          return G_SOURCE_REMOVE;
        },
        loop);
    g_main_loop_run(loop);
    g_main_loop_unref(loop);
    if (rest <= pause) return done(false);
    rest -= pause;
  }
}

}  // namespace workshop
