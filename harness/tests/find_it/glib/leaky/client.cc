#include <glib.h>

gboolean TooLate(gpointer) { return G_SOURCE_REMOVE; }

guint Ask() {
  const guint limit = g_timeout_add_seconds(30, TooLate, nullptr);
  return limit;
}

void Answered(guint) {}
