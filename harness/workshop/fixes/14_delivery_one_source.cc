#include <algorithm>

#include "workshop/on_glib.h"

namespace workshop {
namespace {

struct Delivery {
  std::function<bool()> send;
  std::function<void(bool arrived)> done;
  gint64 next;  // in microseconds, like the others
  gint64 pause;
  gint64 end;
};

void Free(gpointer delivery) { delete static_cast<Delivery*>(delivery); }

gboolean OnTime(gpointer data);

// The next try or the limit, whichever comes first.
void Wait(Delivery* delivery) {
  const gint64 until = std::min(delivery->next, delivery->end) - g_get_monotonic_time();
  g_timeout_add_full(G_PRIORITY_DEFAULT, static_cast<guint>(until / 1000), OnTime, delivery,
                     nullptr);
}

// Whether that was its end.
bool Try(Delivery* delivery) {
  if (delivery->send()) {
    delivery->done(true);
    Free(delivery);
    return true;
  }
  delivery->next += delivery->pause;
  delivery->pause *= 2;
  return false;
}

gboolean OnTime(gpointer data) {
  auto* const delivery = static_cast<Delivery*>(data);
  const gint64 now = g_get_monotonic_time();
  if (now >= delivery->end) {
    delivery->done(false);
    Free(delivery);
  } else if (!Try(delivery)) {
    Wait(delivery);
  }
  return G_SOURCE_REMOVE;
}

}  // namespace

void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done) {
  const gint64 now = g_get_monotonic_time();
  auto* const delivery =
      new Delivery{std::move(send), std::move(done), now, pause / 1us, now + limit / 1us};
  if (!Try(delivery)) Wait(delivery);
}

}  // namespace workshop
