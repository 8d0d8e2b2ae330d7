// How a firing and a free of GLib's sources are seen: by the table of functions that each has.
#pragma once

#include <cstdint>

#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {

// As in glib/gmain.h since 2.0; the header of the GLib in use is not needed.
struct GMainContext;
struct GSource;
using gboolean = int;
using GSourceFunc = gboolean (*)(void*);
struct GSourceFuncs {
  gboolean (*prepare)(GSource*, int*);
  gboolean (*check)(GSource*);
  gboolean (*dispatch)(GSource*, GSourceFunc, void*);
  void (*finalize)(GSource*);
  GSourceFunc closure_callback;
  void (*closure_marshal)();

  bool operator==(const GSourceFuncs&) const = default;
};
struct GSource {
  void* callback_data;
  void* callback_funcs;
  const GSourceFuncs* source_funcs;
  unsigned ref_count;
  GMainContext* context;
};

// Puts ours in the place of the table of a source of the program's own kind. It calls on.
void PutTableInto(GSource* source);

// The table that has been put in that place; null if none has.
const GSourceFuncs* OurTableFor(const GSourceFuncs& users);

// Changes the table of the timeouts, once GLib is loaded.
void PutTableIntoTimeouts();

// True while this thread dispatches the source by its ready time, until more is said of that.
bool IsFiring(const GSource* source);

// It is no longer armed as it was: because it fired, if its own callback says so.
void Disarmed(GSource* source);

// In microseconds of GLib's monotonic time; -1 if it has none.
std::int64_t ReadyTimeOf(GSource* source);
Duration Until(std::int64_t ready_time);

}  // namespace afterleak::loops::internal
