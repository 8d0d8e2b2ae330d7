#include "workshop/on_glib.h"

namespace workshop {
namespace {

struct Delivery {
  std::function<bool()> send;
  std::function<void(bool arrived)> done;
  Duration pause;
  gint64 end;
};
using Shared = std::shared_ptr<Delivery>;

void Free(gpointer delivery) { delete static_cast<Shared*>(delivery); }

gboolean OnPause(gpointer data);

void Try(const Shared& delivery) {
  if (g_get_monotonic_time() >= delivery->end) return delivery->done(false);
  if (delivery->send()) return delivery->done(true);
  g_timeout_add_full(G_PRIORITY_DEFAULT, Milliseconds(delivery->pause), OnPause,
                     new Shared(delivery), Free);
  delivery->pause *= 2;
}

gboolean OnPause(gpointer data) {
  const Shared delivery = *static_cast<Shared*>(data);
  Try(delivery);
  return G_SOURCE_REMOVE;
}

}  // namespace

void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done) {
  Try(std::make_shared<Delivery>(
      Delivery{std::move(send), std::move(done), pause, g_get_monotonic_time() + limit / 1us}));
}

}  // namespace workshop
